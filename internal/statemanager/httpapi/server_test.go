package httpapi_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/internal/server"
	"github.com/exospherehost/exo-go/internal/statemanager"
	"github.com/exospherehost/exo-go/internal/statemanager/httpapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "the right key"

type testServer struct {
	*server.ManualClock
	*httpapi.Handler
	start time.Time
}

type testOptions struct {
	extensions   bool
	asReference  bool
	defaultLease time.Duration
	keys         []string
	log          *zap.Logger
	waits        bool                                   // calls wait, where they ask to
	clock        func(*server.ManualClock) server.Clock // nil: the manual one
}

// newTestServer is a handler over a server whose time begins on a Monday morning,
// and passes when it is told to.
func newTestServer(tb testing.TB, o testOptions) *testServer {
	tb.Helper()
	start := time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	manual := server.NewManualClock(start)
	options := server.Options{
		Engine: statemanager.Options{
			Rand:  rand.NewPCG(1, 2),
			Rules: statemanager.Rules{AsReference: o.asReference}, DefaultLease: o.defaultLease,
		},
		Clock: manual, WithoutExtensions: !o.extensions,
	}
	if !o.waits {
		options.Idle = func(context.Context, string, string) error { return nil }
	}
	if o.clock != nil {
		options.Clock = o.clock(manual)
	}
	keys := o.keys
	if keys == nil {
		keys = []string{testKey}
	}
	handler := httpapi.New(httpapi.Options{
		Server: server.New(options), Keys: keys, Logger: o.log, CORSOrigins: httpapi.DefaultCORSOrigins(),
	})
	return &testServer{ManualClock: manual, Handler: handler, start: start}
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
