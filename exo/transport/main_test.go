package transport_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const apiKey = "canary-key-6f1e2d"

// all names every extension that the package knows.
const all = "wait, lease, report, store, run, cancel, attempt, collect"

// sent is a request as the server saw it.
type sent struct {
	Method, URI, Body string
	Header            http.Header
}

// A peer is a state manager that answers what it is told to.
type peer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []sent
	answer   http.HandlerFunc
}

func newPeer(t *testing.T, answer http.HandlerFunc) *peer {
	t.Helper()
	p := &peer{answer: answer}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("cannot read the request: %v", err)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		p.mu.Lock()
		p.requests = append(p.requests, sent{r.Method, r.RequestURI, string(body), r.Header.Clone()})
		p.mu.Unlock()
		p.answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// seen gives the requests so far, and forgets them.
func (p *peer) seen() []sent {
	p.mu.Lock()
	defer p.mu.Unlock()
	requests := p.requests
	p.requests = nil
	return requests
}

func (p *peer) namespace(name string) transport.Transport {
	return transport.HTTP{URL: p.URL, APIKey: apiKey, Client: p.Client()}.Namespace(name)
}

// replies answers every call alike, with all extensions.
func replies(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("x-exosphere-extensions", all)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// A roundTrip is a state manager without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	return f(r)
}

func (f roundTrip) namespace(name string) transport.Transport {
	return transport.HTTP{URL: "http://state-manager.test", APIKey: apiKey, Client: &http.Client{Transport: f}}.Namespace(name)
}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func response(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"X-Exosphere-Extensions": {all}}, ContentLength: int64(len(body)),
		Body: io.NopCloser(strings.NewReader(body)),
	}
}
