package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/exospherehost/exo-go/internal/ids"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// Header names in canonical form.
const (
	headerKey        = "X-Api-Key"
	headerRequestID  = "X-Exosphere-Request-Id"
	headerExtensions = "X-Exosphere-Extensions"
)

const (
	maxAnswer  = 16 << 20
	maxMessage = 1 << 10
)

// conn sends calls to a state manager. Its fields do not change.
type conn struct {
	client  *http.Client
	version string
	endpoint
	err    error       // why nothing can be sent, or nil
	header http.Header // headers of every call; shared, so never modified
	key    string
	known  atomic.Pointer[extensions] // nil before the first response
}

func (h HTTP) connect() *conn {
	c := &conn{client: h.client(), version: h.version(), key: h.APIKey}
	c.endpoint, c.err = parseEndpoint(h.URL)
	if c.err == nil && strings.ContainsFunc(h.APIKey, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		c.err = errors.New("APIKey has a character that is invalid in a header, such as a line break")
	}
	c.header = http.Header{
		"Accept":     {"application/json"},
		"User-Agent": {userAgent()},
	}
	if h.APIKey != "" {
		c.header[headerKey] = []string{h.APIKey}
	}
	return c
}

// Format keeps the key out of printed text, for every verb.
func (c *conn) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "HTTP "+c.address()) }

func (c *conn) address() string { return c.scheme + "://" + c.host + c.root.plain }

// A call is a request to send.
type call struct {
	op      string
	method  string // empty means GET
	at      path
	query   string
	body    *payload // released when the call has ended
	err     error    // why it cannot be sent, or nil
	keyless bool
	private bool // the response is secret and must not appear in errors
}

var jsonContent = []string{"application/json"}

// send makes a call. If it succeeds, send passes the response to read, which
// must not keep it. Every error is an *Error.
func (c *conn) send(ctx context.Context, k call, read func(answer []byte) error) error {
	defer k.body.release()
	if c.err != nil {
		return refused(k.op, c.err)
	}
	if k.err != nil {
		return refused(k.op, k.err)
	}
	ctx, cancel := bounded(ctx, c.client)
	defer cancel()
	req, id := c.request(ctx, k)
	resp, err := exchange(c.client, req)
	if err != nil {
		return c.unanswered(ctx, k.op, id, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if from := resp.Header.Get(headerRequestID); from != "" {
		id = from
	}
	c.learn(resp.Header, false)
	buf := getBuffer()
	defer putBuffer(buf)
	tooLarge, err := readBounded(buf, resp.Body, resp.ContentLength)
	switch {
	case resp.StatusCode >= 300:
		return c.declined(k, id, resp, *buf)
	case err != nil:
		return c.unanswered(ctx, k.op, id, fmt.Errorf("response was cut off: %w", err))
	case tooLarge:
		return &Error{
			Op: k.op, Status: http.StatusRequestEntityTooLarge, RequestID: id,
			Message: fmt.Sprintf("response is larger than %d MiB", maxAnswer>>20), Err: ErrAnswerTooLarge,
		}
	}
	if err := read(*buf); err != nil {
		return c.unreadable(k, id, resp.StatusCode, *buf, err)
	}
	c.learn(resp.Header, true)
	return nil
}

// request builds the request of a call, and its ID.
func (c *conn) request(ctx context.Context, k call) (req *http.Request, id string) {
	id = newRequestID()
	header := make(http.Header, len(c.header)+2)
	maps.Copy(header, c.header)
	if k.keyless {
		delete(header, headerKey)
	}
	header[headerRequestID] = []string{id}
	req = (&http.Request{
		Method:     k.method,
		URL:        &url.URL{Scheme: c.scheme, Host: c.host, Path: k.at.plain, RawPath: k.at.escaped, RawQuery: k.query},
		Host:       c.host,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     header,
	}).WithContext(ctx)
	if k.method == "" {
		req.Method = http.MethodGet
	}
	if k.body != nil {
		header["Content-Type"] = jsonContent
		req.ContentLength = int64(len(k.body.bytes()))
		req.Body, _ = k.body.reader()
		req.GetBody = k.body.reader
	}
	return req, id
}

// fetch makes a call and decodes the response into a T.
func fetch[T any](ctx context.Context, c *conn, k call) (answer T, err error) {
	err = c.send(ctx, k, func(raw []byte) error { return decode(raw, &answer) })
	return answer, err
}

// decode reads a response, which must be a JSON object with the members that
// into requires. Other members that do not fit are left zero: the rest of the
// response may still be useful.
func decode(raw []byte, into any) error {
	if err := jsontext.IsObject(raw); err != nil {
		return err
	}
	err := json.Unmarshal(raw, into)
	var misfit *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &misfit) {
		return err
	}
	if a, ok := into.(interface{ missing() string }); ok && a.missing() != "" {
		return fmt.Errorf("no %q", a.missing())
	}
	return nil
}

// without returns name if missing is true.
func without(missing bool, name string) string {
	if missing {
		return name
	}
	return ""
}

// readBounded reads all of r into buf, up to maxAnswer bytes.
func readBounded(buf *[]byte, r io.Reader, length int64) (tooLarge bool, err error) {
	b := *buf
	defer func() { *buf = b }()
	if length > maxAnswer {
		return true, nil
	}
	if need := int(length) + 1; length > 0 && cap(b) < need { // one byte more to detect the end
		b = make([]byte, 0, need)
	}
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):min(cap(b), maxAnswer+1)])
		b = b[:len(b)+n]
		switch {
		case len(b) > maxAnswer:
			return true, nil
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// newRequestID returns a random UUID. It protects nothing, so it may be
// predictable.
func newRequestID() string { return ids.UUID(rand.Uint64(), rand.Uint64()) }

// wait returns how long the state manager may hold its response: d, or less so
// that the response arrives well before the client or ctx gives up.
func (c *conn) wait(ctx context.Context, d time.Duration) time.Duration {
	d = min(d, maxWait)
	if c.client.Timeout > 0 {
		d = min(d, c.client.Timeout/2)
	}
	if end, ok := ctx.Deadline(); ok {
		d = min(d, time.Until(end)/2)
	}
	return max(d, 0)
}
