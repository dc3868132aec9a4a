package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A RoundTripper injects faults into the requests that it passes on. It is safe
// for concurrent use. Operations without a constant in this package are named
// by the method and the last segment of the path: "GET graphs".
type RoundTripper struct {
	*injector
	inner http.RoundTripper
}

// NewRoundTripper wraps inner; nil means http.DefaultTransport.
func NewRoundTripper(inner http.RoundTripper, p Plan) *RoundTripper {
	if inner == nil {
		inner = http.DefaultTransport
	}
	return &RoundTripper{injector: newInjector(p), inner: inner}
}

// CloseIdleConnections passes the call on.
func (t *RoundTripper) CloseIdleConnections() {
	if c, ok := t.inner.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip sends a request, or injects a fault.
func (t *RoundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	op := operationOf(req)
	f, over, cut := t.begin(op)
	defer t.end(op)
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	ctx := req.Context()
	switch {
	case !before(ctx, f, over, cut):
		return nil, fmt.Errorf("%s: %w", op, ErrInjected)
	case f.Kind == Refuse:
		return refusal(req, f), nil
	case f.Kind == DropPart:
		body = firstHalf(body)
	}
	if f.Kind == Duplicate {
		if resp, err := t.send(req, body); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	resp, err := t.send(req, body)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	switch {
	case err != nil:
		return nil, err
	case isClosed(cut), !pause(ctx, f.Late, nil, cut) && f.Late > 0, f.Kind == DropAfter, f.Kind == DropPart:
		return nil, fmt.Errorf("%s: response lost: %w", op, ErrInjected)
	}
	spoil(resp, answer, f.Kind)
	return resp, nil
}

// send sends the request with a body of its own.
func (t *RoundTripper) send(req *http.Request, body []byte) (*http.Response, error) {
	again := req.Clone(req.Context())
	if req.Body != nil {
		again.Body = io.NopCloser(bytes.NewReader(body))
		again.ContentLength = int64(len(body))
		again.GetBody = nil
	}
	return t.inner.RoundTrip(again)
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer func() { _ = req.Body.Close() }()
	return io.ReadAll(req.Body)
}

// firstHalf returns body with the first half of its reports if it has several.
func firstHalf(body []byte) []byte {
	var batch struct {
		Reports []json.RawMessage `json:"reports"`
	}
	if json.Unmarshal(body, &batch) != nil || len(batch.Reports) < 2 {
		return body
	}
	batch.Reports = batch.Reports[:len(batch.Reports)/2]
	half, err := json.Marshal(batch)
	if err != nil {
		return body
	}
	return half
}

// spoil sets the body of resp to the response, damaged as k says.
func spoil(resp *http.Response, answer []byte, k Kind) {
	length := int64(len(answer))
	var body io.Reader = bytes.NewReader(answer)
	switch k {
	case Truncate: // Content-Length keeps its value
		body = io.MultiReader(bytes.NewReader(answer[:len(answer)/2]), failing{io.ErrUnexpectedEOF})
	case Garbage:
		noise := make([]byte, 100)
		for i := range noise {
			noise[i] = byte(rand.Uint32())
		}
		body, length = bytes.NewReader(noise), int64(len(noise))
	case HTML:
		resp.Header.Set("Content-Type", "text/html")
		body, length = strings.NewReader(page), int64(len(page))
	case Huge:
		body, length = io.LimitReader(blanks{}, hugeAnswer), hugeAnswer
	default:
	}
	resp.Body = io.NopCloser(body)
	resp.ContentLength = length
	resp.Header.Set("Content-Length", strconv.FormatInt(length, 10))
	if k == Huge { // like a body of unknown length
		resp.ContentLength = -1
		resp.Header.Del("Content-Length")
	}
}

const (
	page = "<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works</h1></body></html>"

	hugeAnswer = 17 << 20
)

// failing is a reader that fails with err.
type failing struct{ err error }

func (r failing) Read([]byte) (int, error) { return 0, r.err }

// blanks is an endless reader of white space.
type blanks struct{}

func (blanks) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// refusal returns an error response of a state manager or of a proxy before it.
func refusal(req *http.Request, f Fault) *http.Response {
	status := f.status()
	body := fmt.Sprintf(`{"detail":"%s: %s"}`, http.StatusText(status), ErrInjected)
	header := http.Header{"Content-Type": {"application/json"}}
	if f.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// operationOf returns the operation of a request (protocol.md §§3, 4 and 13),
// or its method and the end of its path.
func operationOf(req *http.Request) string {
	segments := strings.Split(strings.Trim(req.URL.EscapedPath(), "/"), "/")
	last := segments[len(segments)-1]
	switch {
	case last == "enqueue":
		return Claim
	case last == "wake":
		return "wake"
	case last == "nodes" && req.Method == http.MethodPut:
		return Register
	case last == "report", last == "executed", last == "errored", last == "prune", last == "re-enqueue-after":
		return Report
	case last == "secrets":
		return Secrets
	case last == "heartbeat":
		return Heartbeat
	}
	return req.Method + " " + last
}
