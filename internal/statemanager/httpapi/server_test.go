package httpapi_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
	"github.com/exospherehost/exo-go/internal/statemanager/httpapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "the right key"

// testHost gives the engine the time that a test has set, and lets nobody wait.
type testHost struct {
	engine *statemanager.Engine

	mu  sync.Mutex
	now time.Time
}

func (h *testHost) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *testHost) Claim(_ context.Context, ns string, req transport.ClaimRequest) ([]transport.State, error) {
	return h.engine.Claim(h.Now(), ns, req), nil
}

func (h *testHost) AwaitRun(_ context.Context, ns, runID string, _ time.Duration) error {
	_, err := h.engine.AtRest(ns, runID)
	return err
}

func (h *testHost) Recheck() {}

type testServer struct {
	*testHost
	http.Handler
	start time.Time
}

type testOptions struct {
	extensions   bool
	asReference  bool
	defaultLease time.Duration
	keys         []string
	log          *zap.Logger
	host         httpapi.Host
}

var allExtensions = []transport.Extension{
	transport.ExtensionWait, transport.ExtensionLease, transport.ExtensionReport, transport.ExtensionStore,
	transport.ExtensionRun, transport.ExtensionCancel, transport.ExtensionAttempt, transport.ExtensionCollect,
}

// newTestServer is a handler over an engine whose time begins on a Monday
// morning.
func newTestServer(tb testing.TB, o testOptions) *testServer {
	tb.Helper()
	start := time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	engine := statemanager.New(statemanager.Options{
		Rand:  rand.NewPCG(1, 2),
		Rules: statemanager.Rules{AsReference: o.asReference}, DefaultLease: o.defaultLease,
	})
	host := &testHost{engine: engine, now: start}
	options := httpapi.Options{
		Engine: engine, Host: host, Keys: []string{testKey}, Logger: o.log, CORSOrigins: httpapi.DefaultCORSOrigins(),
	}
	if o.host != nil {
		options.Host = o.host
	}
	if o.keys != nil {
		options.Keys = o.keys
	}
	if o.extensions {
		options.Extensions = allExtensions
	}
	return &testServer{testHost: host, Handler: httpapi.New(options), start: start}
}

// advance moves time, and has the engine do what it brings.
func (s *testServer) advance(tb testing.TB, d time.Duration) {
	tb.Helper()
	s.mu.Lock()
	s.now = s.now.Add(d)
	s.mu.Unlock()
	s.engine.Advance(s.Now())
}

func (s *testServer) do(tb testing.TB, r *http.Request) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// must makes a call in the namespace etl that succeeds, and gives its answer.
func (s *testServer) must(tb testing.TB, method, path, body string) string {
	tb.Helper()
	w := s.do(tb, request(method, "/v0/namespace/etl"+path, body))
	if w.Code >= 300 {
		tb.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}
