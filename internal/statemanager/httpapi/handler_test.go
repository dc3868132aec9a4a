package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/server"
)

const (
	enqueuePath = "/v0/namespace/etl/states/enqueue"
	enqueueBody = `{"nodes":["Upper"],"batch_size":1}`
)

func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", testKey)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func TestKeys(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		keys  []string
		given string
		want  int
	}{
		{"right", []string{"one"}, "one", 200},
		{"first of two", []string{"one", "two"}, "one", 200},
		{"second of two", []string{"one", "two"}, "two", 200},
		{"same key twice", []string{"one", "one"}, "one", 200},
		{"wrong", []string{"one", "two"}, "three", 401},
		{"prefix", []string{"one"}, "on", 401},
		{"longer", []string{"one"}, "one ", 401},
		{"other case", []string{"one"}, "One", 401},
		{"none given", []string{"one"}, "", 401},
		{"empty keys do not count", []string{"", "one"}, "", 401},
		{"no keys at all", []string{}, "", 401},
		{"no keys at all, one given", []string{}, "one", 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newTestServer(t, testOptions{keys: tt.keys})
			r := request(http.MethodPost, enqueuePath, enqueueBody)
			r.Header.Set("X-Api-Key", tt.given)
			if got := s.do(t, r).Code; got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{})
	const given = "5F0F7B8E-94c1-4a5b-8f0e-2f6d9c1a7b3d"
	made := map[string]bool{}
	for _, id := range []string{given, "", "no uuid", given + "0", strings.Replace(given, "-", "0", 1), strings.Replace(given, "F", "g", 1)} {
		r := request(http.MethodGet, "/health", "")
		r.Header.Set("X-Exosphere-Request-Id", id)
		got := s.do(t, r).Header().Get("X-Exosphere-Request-Id")
		if id == given {
			if got != given {
				t.Errorf("%q was answered with %q", given, got)
			}
			continue
		}
		if !runID.MatchString(got) || made[got] {
			t.Errorf("%q was answered with %q", id, got)
		}
		made[got] = true
	}
}

// The extensions are told in each answer, refusals included, and by a server
// without them in none.
func TestExtensionsHeader(t *testing.T) {
	t.Parallel()
	requests := func() []*http.Request {
		stranger := request(http.MethodPost, enqueuePath, enqueueBody)
		stranger.Header.Del("X-Api-Key")
		return []*http.Request{
			request(http.MethodGet, "/health", ""), request(http.MethodPost, enqueuePath, enqueueBody), stranger,
			request(http.MethodPost, enqueuePath, `{`), request(http.MethodGet, enqueuePath, ""), request(http.MethodGet, "/nope", ""),
			request(http.MethodGet, "/v0/namespace/etl/nodes", ""),
		}
	}
	for _, extensions := range []bool{true, false} {
		s := newTestServer(t, testOptions{extensions: extensions})
		want := ""
		if extensions {
			want = "wait, lease, report, store, run, cancel, attempt, collect"
		}
		for _, r := range requests() {
			if got := s.do(t, r).Header().Get("X-Exosphere-Extensions"); got != want {
				t.Errorf("%s %s: %q, want %q", r.Method, r.URL, got, want)
			}
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{})
	const ours, theirs = "http://127.0.0.1:3000", "https://elsewhere.example"
	tests := []struct {
		name, method, origin, asks string
		code                       int
		allowed                    string
	}{
		{"preflight", http.MethodOptions, ours, http.MethodPut, 200, ours},
		{"preflight of a stranger", http.MethodOptions, theirs, http.MethodPut, 400, ""},
		{"no preflight", http.MethodOptions, ours, "", 405, ours},
		{"call", http.MethodPost, ours, "", 200, ours},
		{"call of a stranger", http.MethodPost, theirs, "", 200, ""},
		{"no browser", http.MethodPost, "", "", 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(tt.method, enqueuePath, enqueueBody)
			r.Header.Set("Origin", tt.origin)
			r.Header.Set("Access-Control-Request-Method", tt.asks)
			w := s.do(t, r)
			if w.Code != tt.code {
				t.Errorf("status %d, want %d", w.Code, tt.code)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != tt.allowed {
				t.Errorf("allows %q, want %q", got, tt.allowed)
			}
			if vary := w.Header().Get("Vary"); (vary == "Origin") != (tt.origin != "") {
				t.Errorf("varies by %q", vary)
			}
		})
	}
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	const limit = 16 << 20
	s := newTestServer(t, testOptions{})
	fill := func(n int) string { return `{"nodes":[],"batch_size":1,"x":"` + strings.Repeat("x", n-34) + `"}` }
	tests := []struct {
		name    string
		body    string
		chunked bool
		key     string
		want    int
	}{
		{"largest", fill(limit), false, testKey, 200},
		{"largest, of unknown length", fill(limit), true, testKey, 200},
		{"too large", fill(limit + 1), false, testKey, 413},
		{"too large, of unknown length", fill(limit + 1), true, testKey, 413},
		{"large, of a stranger", fill(1 << 20), false, "wrong", 401},
		{"large, of a stranger, of unknown length", fill(1 << 20), true, "wrong", 401},
		{"too large, of a stranger", fill(limit + 1), true, "wrong", 401},
		{"no UTF-8", "{\"nodes\":[\"\xff\"],\"batch_size\":1}", false, testKey, 400},
		{"no UTF-8, of a stranger", "{\"nodes\":[\"\xff\"],\"batch_size\":1}", false, "wrong", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(http.MethodPost, enqueuePath, tt.body)
			r.Header.Set("X-Api-Key", tt.key)
			if tt.chunked {
				r.ContentLength = -1
				r.Body = io.NopCloser(onlyReader{strings.NewReader(tt.body)})
			}
			w := s.do(t, r)
			if w.Code != tt.want {
				t.Fatalf("status %d, want %d", w.Code, tt.want)
			}
			var answer struct {
				Detail string `json:"detail"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || tt.want > 200 && answer.Detail == "" {
				t.Errorf("answer %s", w.Body)
			}
		})
	}
}

type onlyReader struct{ io.Reader }

// A body that breaks off is no request.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{})
	r := request(http.MethodPost, enqueuePath, "")
	r.ContentLength = 100
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"nodes":`), brokenReader{}))
	if w := s.do(t, r); w.Code != http.StatusBadRequest {
		t.Errorf("status %d %s", w.Code, w.Body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// A fault of ours is answered 500, tells nothing of what is inside, and is
// logged; the next request is served.
func TestFaults(t *testing.T) {
	t.Parallel()
	const inside = "a secret of the inside"
	tests := []struct {
		name  string
		fails func(context.Context) error
		code  int
		body  string
	}{
		{"panic", func(context.Context) error { panic(inside) }, 500, `{"success":false,"detail":"internal server error"}`},
		{"error", func(context.Context) error { return errors.New(inside) }, 500, `{"success":false,"detail":"internal server error"}`},
		{"error of status 500", func(context.Context) error {
			return &transport.Error{Status: 500, Message: inside}
		}, 500, `{"success":false,"detail":"internal server error"}`},
		{"refusal", func(context.Context) error {
			return &transport.Error{Status: 410, Message: "gone"}
		}, 410, `{"detail":"gone"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			core, logs := observer.New(zapcore.WarnLevel)
			s := newTestServer(t, testOptions{log: zap.New(core), extensions: true})
			s.Replace(http.MethodPost, enqueuePath, tt.fails)
			w := s.do(t, request(http.MethodPost, enqueuePath, enqueueBody))
			if w.Code != tt.code || w.Body.String() != tt.body {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, tt.code, tt.body)
			}
			if logged := logs.Len(); (logged == 1) != (tt.code == 500) {
				t.Errorf("%d log lines", logged)
			}
			if w := s.do(t, request(http.MethodGet, "/health", "")); w.Code != http.StatusOK {
				t.Errorf("then: %d", w.Code)
			}
		})
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{})
	s.Replace(http.MethodPost, enqueuePath, func(context.Context) error { panic(http.ErrAbortHandler) })
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v", err)
		}
	}()
	s.do(t, request(http.MethodPost, enqueuePath, enqueueBody))
}

// A claim whose context ends is answered that there is nothing, for the client
// is gone or the server stops. States that were taken by then are told.
func TestClaimWhoseContextEnds(t *testing.T) {
	t.Parallel()
	for _, before := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		clock := &tellingClock{}
		s := newTestServer(t, testOptions{clock: clock.over})
		s.mustRun(t)
		if clock.asked = cancel; before {
			cancel()
		}
		w := s.do(t, request(http.MethodPost, enqueuePath, enqueueBody).WithContext(ctx))
		want := `{"count":1,"namespace":"etl","status":"QUEUED","states":[{"state_id":`
		if before {
			want = `{"count":0,"namespace":"etl","status":"QUEUED","states":[]}`
		}
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), want) {
			t.Errorf("%d %s, want %s", w.Code, w.Body, want)
		}
	}
}

// A tellingClock tells what it is asked for.
type tellingClock struct {
	server.Clock
	asked  func() // for the time
	timers []time.Duration
}

func (c *tellingClock) over(m *server.ManualClock) server.Clock {
	c.Clock = m
	return c
}

func (c *tellingClock) Now() time.Time {
	if c.asked != nil {
		c.asked()
	}
	return c.Clock.Now()
}

// AfterFunc fires at once.
func (c *tellingClock) AfterFunc(d time.Duration, f func()) server.Timer {
	c.timers = append(c.timers, d)
	return time.AfterFunc(0, f)
}

// mustRun starts a run of a graph of one step, of the node Upper.
func (s *testServer) mustRun(t *testing.T) {
	t.Helper()
	s.must(t, http.MethodPut, "/nodes/", `{"runtime_name":"r","nodes":[{"name":"Upper","inputs_schema":{},"outputs_schema":{},"secrets":[]}]}`)
	s.must(t, http.MethodPut, "/graph/g", `{"secrets":{},"nodes":[{"node_name":"Upper","namespace":"etl","identifier":"u","inputs":{}}]}`)
	s.must(t, http.MethodPost, "/graph/g/trigger", `{}`)
}

// Bounds of a claim are kept before anybody waits.
func TestClaimBounds(t *testing.T) {
	t.Parallel()
	const boundless = `{"nodes":["Upper"],"batch_size":99999999999999999999,"wait_ms":99999999999999999999,"lease_ms":99999999999999999999}`
	clock := &tellingClock{}
	s := newTestServer(t, testOptions{extensions: true, waits: true, clock: clock.over})
	if w := s.do(t, request(http.MethodPost, enqueuePath, boundless)); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if !slices.Equal(clock.timers, []time.Duration{30 * time.Second}) {
		t.Errorf("waited %v", clock.timers)
	}
	s.mustRun(t)
	for range 1000 {
		s.must(t, http.MethodPost, "/graph/g/trigger", `{}`)
	}
	got := s.must(t, http.MethodPost, "/states/enqueue", boundless)
	if n := strings.Count(got, `"lease_ms":9223372036854`); n != 1000 {
		t.Errorf("claimed %d states: %.300s", n, got)
	}
}

// Secrets of a graph come back in no answer, whatever is wrong with the request.
func TestSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{})
	const canary = "c4n4ry"
	node := `{"node_name":"A","namespace":"etl","identifier":"a","inputs":{}}`
	for _, body := range []string{
		`{"secrets":{"token":"c4n4ry"}}`,
		`{"secrets":"c4n4ry","nodes":[]}`,
		`{"secrets":["c4n4ry"],"nodes":[` + node + `]}`,
		`{"secrets":{"token":["c4n4ry"]},"nodes":[` + node + `]}`,
		`{"secrets":{"token":{"a":"c4n4ry"}},"nodes":5,"triggers":5}`,
		`{"secrets":{"token":"c4n4ry"},"secrets":{"token":"c4n4ry"},"nodes":[],"retry_policy":[]}`,
		`{"secrets":{"token":"c4n4ry"},"nodes":[` + node + `]}`,
		`{"secrets":{"token":"c4n4ry","":"c4n4ry"},"nodes":[` + node + `]}`,
		`["secrets",{"token":"c4n4ry"}]`,
		`"c4n4ry"`,
	} {
		for _, contentType := range []string{"application/json", "text/plain"} {
			r := request(http.MethodPut, "/v0/namespace/etl/graph/g", body)
			r.Header.Set("Content-Type", contentType)
			w := s.do(t, r)
			if strings.Contains(w.Body.String(), canary) {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
	}
}

// An answer does not outgrow a hostile request.
func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{})
	w := s.do(t, request(http.MethodPost, enqueuePath, `{"nodes":[`+strings.Repeat("1,", 5000)+`1],"batch_size":"`+strings.Repeat("x", 100_000)+`"}`))
	var answer struct {
		Detail []struct{ Loc []any }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Detail) != 100 || w.Body.Len() > 20_000 {
		t.Errorf("%d problems, %d bytes", len(answer.Detail), w.Body.Len())
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{extensions: true})
	for path, want := range map[string]string{
		"/v0/namespace/a%20b/nodes":           "/v0/namespace/a%20b/nodes/",
		"/v0/namespace/etl/run/x/?wait_ms=10": "/v0/namespace/etl/run/x?wait_ms=10",
		"/health/":                            "/health",
	} {
		w := s.do(t, request(http.MethodGet, path, ""))
		if got := w.Header().Get("Location"); w.Code != http.StatusTemporaryRedirect || got != want || w.Body.Len() > 0 {
			t.Errorf("%s: %d %q %s", path, w.Code, got, w.Body)
		}
	}
	for _, path := range []string{"//evil.example/", "//evil.example", "/v0/namespace//nodes", "/v0/namespace/a%2Fb/nodes", "/", "/nope/"} {
		r := request(http.MethodGet, "http://localhost"+path, "")
		if w := s.do(t, r); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d %q", path, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestMethodNotAllowed(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{})
	w := s.do(t, request(http.MethodPatch, "/v0/namespace/etl/graph/g", ""))
	if got := w.Header().Get("Allow"); w.Code != http.StatusMethodNotAllowed || got != "PUT, GET" {
		t.Errorf("%d, allow %q", w.Code, got)
	}
}
