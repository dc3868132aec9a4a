package exo_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/faults"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// A worker is a runtime behind a connection of its own, to which things happen.
type worker struct {
	*exo.Runtime
	t    *testing.T
	link *faults.Provider
	logs *observer.ObservedLogs

	cancel context.CancelFunc
	done   chan error
}

// worker starts a runtime. Its calls go by the plan; nil is without faults.
func (b *bubble) worker(plan faults.Plan, nodes []node.Any, opts ...exo.RuntimeOption) *worker {
	b.t.Helper()
	return b.workerOn(b.sm, plan, nodes, opts...)
}

// workerOn is worker on another state manager.
func (b *bubble) workerOn(sm transport.Provider, plan faults.Plan, nodes []node.Any, opts ...exo.RuntimeOption) *worker {
	b.t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	w := &worker{t: b.t, link: faults.New(sm, plan), logs: logs, done: make(chan error, 1)}
	opts = append([]exo.RuntimeOption{exo.WithStateManager(w.link), exo.WithLogger(zap.New(core))}, opts...)
	rt, err := exo.NewRuntime(namespace, "worker", nodes, opts...)
	if err != nil {
		b.t.Fatal(err)
	}
	w.Runtime = rt
	ctx, cancel := context.WithCancel(b.t.Context())
	w.cancel = cancel
	go func() { w.done <- rt.Run(ctx) }()
	return w
}

// stop has the runtime drain, and gives Run's error.
func (w *worker) stop() error {
	w.cancel()
	return <-w.done
}

// stopped stops the runtime, which must end cleanly.
func (w *worker) stopped() {
	w.t.Helper()
	if err := w.stop(); err != nil {
		w.t.Errorf("Run: %v", err)
	}
}

// kill cuts the worker off for good, which is all that others see of its death.
func (w *worker) kill() {
	w.link.Cut()
	w.cancel()
}

// logged counts lines by their message.
func (w *worker) logged(message string) int { return w.logs.FilterMessage(message).Len() }

// trigger writes a graph and triggers it.
func (b *bubble) trigger(g *exo.Graph) *exo.Run {
	b.t.Helper()
	m := b.manager()
	deadline := time.Now().Add(10 * time.Minute)
	for { // until its nodes are registered
		_, err := m.UpsertGraph(b.t.Context(), g)
		if err == nil {
			break
		}
		var invalid *exo.GraphInvalidError
		if !errors.As(err, &invalid) || time.Now().After(deadline) {
			b.t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	r, err := m.Trigger(b.t.Context(), g.Name(), exo.TriggerOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// wait waits for a run, for a day of virtual time.
func (b *bubble) wait(r *exo.Run) *exo.RunResult {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 24*time.Hour)
	defer cancel()
	result, err := r.Wait(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

// states counts the states of a run by status.
func (b *bubble) states(r *exo.Run) map[exo.Status]int {
	b.t.Helper()
	g, err := r.Graph(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	found := maps.Clone(g.Summary)
	maps.DeleteFunc(found, func(_ exo.Status, n int) bool { return n == 0 })
	return found
}

// expect compares the states of a run.
func (b *bubble) expect(r *exo.Run, want map[exo.Status]int) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.states(r)); diff != "" {
		b.t.Errorf("states (-want +got):\n%s", diff)
	}
}

// onState is a node that does something with each state.
func onState(do func(ctx context.Context) error, opts ...node.Option) *node.Node[Text, Text, exo.None] {
	return exo.Node("Do", func(ctx context.Context, in Text, _ exo.None) (Text, error) { return in, do(ctx) }, opts...)
}

// many is a graph that fans out to n states of a node.
func many(n int, to *node.Node[Text, Text, exo.None]) (*exo.Graph, *exo.Step[Text]) {
	split := exo.FanOut("Split", func(context.Context, exo.None, exo.None) ([]Text, error) { return make([]Text, n), nil })
	g := exo.NewGraph("many").Retry(exo.RetryPolicy{MaxRetries: 3, Strategy: exo.Fixed, Backoff: time.Second, Exponent: 1})
	s := exo.Add(g, "split", split, exo.None{})
	return g, exo.Add(g, "do", to, s.Out, exo.After(s))
}

// retries is a policy of n retries, a second after each failure.
func retries(n int) exo.RetryPolicy {
	return exo.RetryPolicy{MaxRetries: n, Strategy: exo.Fixed, Backoff: time.Second, Exponent: 1}
}

// executed checks that a node was executed n times.
func executed(t *testing.T, calls *atomic.Int64, n int64) {
	t.Helper()
	if got := calls.Load(); got != n {
		t.Errorf("executed %d times, want %d", got, n)
	}
}

// server is a state manager behind HTTP, but without a network, so that time
// may be virtual. It can be replaced.
type server struct{ handler atomic.Pointer[http.Handler] }

const apiKey = "the-api-key-of-the-tests"

func newServer(sm *local.Server) *server {
	s := &server{}
	s.replace(sm)
	return s
}

// replace has another state manager take over, as after a restart.
func (s *server) replace(sm *local.Server) { s.serve(sm.Handler(apiKey)) }

func (s *server) serve(h http.Handler) { s.handler.Store(&h) }

// RoundTrip is http.RoundTripper.
func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	if req.Body == nil {
		in.Body = http.NoBody
	} else {
		defer func() { _ = req.Body.Close() }()
	}
	w := httptest.NewRecorder()
	(*s.handler.Load()).ServeHTTP(w, in)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// http is the transport to the server, through faults.
func (s *server) http(plan faults.Plan) (transport.HTTP, *faults.RoundTripper) {
	rt := faults.NewRoundTripper(s, plan)
	return transport.HTTP{URL: "http://state-manager.test", APIKey: apiKey, Client: &http.Client{Transport: rt, Timeout: time.Minute}}, rt
}

// tampered is a state manager whose claims and reports pass through a test's
// hands. It has no optional abilities, and so no leases.
type tampered struct {
	transport.Transport
	claim  func(ctx context.Context, req transport.ClaimRequest, next func(context.Context, transport.ClaimRequest) ([]transport.Claimed, error)) ([]transport.Claimed, error)
	report func(ctx context.Context, rs []transport.Report, next func(context.Context, []transport.Report) []error) []error
}

func (s *tampered) Namespace(string) transport.Transport { return s }

func (s *tampered) Claim(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
	if s.claim == nil {
		return s.Transport.Claim(ctx, req)
	}
	return s.claim(ctx, req, s.Transport.Claim)
}

func (s *tampered) Report(ctx context.Context, rs []transport.Report) []error {
	if s.report == nil {
		return s.Transport.Report(ctx, rs)
	}
	return s.report(ctx, rs, s.Transport.Report)
}

// probe asks the runtime's health handler.
func (w *worker) probe(what string) int {
	rec := httptest.NewRecorder()
	w.HealthHandler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/exo/"+what, http.NoBody))
	_, _ = io.Copy(io.Discard, rec.Body)
	return rec.Code
}

// settle waits until all goroutines of the bubble wait.
func settle() { synctest.Wait() }

// mentions reports whether any line of the logs holds the text.
func (w *worker) mentions(text string) bool {
	for _, l := range w.logs.All() {
		if strings.Contains(l.Message, text) {
			return true
		}
		for _, f := range l.ContextMap() {
			if s, ok := f.(string); ok && strings.Contains(s, text) {
				return true
			}
		}
	}
	return false
}

// raise makes most at least n.
func raise(most *atomic.Int64, n int64) {
	for {
		m := most.Load()
		if n <= m || most.CompareAndSwap(m, n) {
			return
		}
	}
}

// newConstant makes backoffs of one length.
func newConstant(d time.Duration) func() backoff.BackOff {
	return func() backoff.BackOff { return backoff.NewConstantBackOff(d) }
}
