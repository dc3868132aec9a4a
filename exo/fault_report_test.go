package exo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/faults"
)

var answerLost = map[string]func(*testing.T, *bubble){
	"in this process": func(t *testing.T, b *bubble) {
		for _, kind := range []faults.Kind{faults.DropAfter, faults.DropPart, faults.Truncate, faults.HTML, faults.Huge, faults.Duplicate} {
			lost(t, b, b.sm, faults.First(faults.Report, 7, faults.Fault{Kind: kind}))
		}
	},
	"in batches over HTTP": func(t *testing.T, b *bubble) {
		for _, kind := range []faults.Kind{faults.DropAfter, faults.DropPart, faults.Truncate, faults.Duplicate, faults.Huge} {
			calls := 7
			if kind == faults.Huge {
				calls = 2
			}
			sm, rt := newServer(b.sm).http(faults.First(faults.Report, calls, faults.Fault{Kind: kind}))
			lost(t, b, sm, nil)
			if rt.Calls(faults.Report) == 0 {
				t.Errorf("%d calls", rt.Calls(faults.Report))
			}
		}
	},
	// The reference server has single calls alone, and does not know that it has
	// taken a report already.
	"from a server like the reference": func(t *testing.T, b *bubble) {
		ref := local.New(local.WithoutExtensions(), local.AsReference())
		defer func() { _ = ref.Close() }()
		b.sm = ref
		s := newServer(ref)
		s.serve(&forgetful{next: ref.Handler(apiKey)})
		for _, kind := range []faults.Kind{faults.DropAfter, faults.Truncate, faults.Garbage} {
			sm, _ := s.http(faults.On(faults.Report, faults.Fault{Kind: kind}, 2, 3, 5, 8, 13, 21, 22, 23))
			lost(t, b, sm, nil)
		}
	},
}

// lost runs a graph of 40 states while answers to reports are lost.
func lost(t *testing.T, b *bubble, sm transport.Provider, plan faults.Plan) {
	t.Helper()
	var calls atomic.Int64
	g, _ := many(40, onState(func(context.Context) error { calls.Add(1); return nil }))
	w := b.workerOn(sm, plan, g.Nodes())
	r := b.trigger(g)
	w.finish(b, r)
	b.expect(r, map[exo.Status]int{transport.StatusSuccess: 80})
	executed(t, &calls, 40)
	if s := w.Stats(); s.Reported != 41 || s.ReportErrors != 0 || s.Unreported != 0 {
		t.Errorf("stats %+v", s)
	}
}

// forgetful answers a report on a state that it has been told of as the
// reference server does: with 400.
type forgetful struct {
	next http.Handler

	mu   sync.Mutex
	told map[string]bool
}

func (f *forgetful) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/executed") {
		f.mu.Lock()
		again := f.told[r.URL.Path]
		if f.told == nil {
			f.told = make(map[string]bool)
		}
		f.told[r.URL.Path] = true
		f.mu.Unlock()
		if again {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"detail":"State is not queued"}`)
			return
		}
	}
	f.next.ServeHTTP(w, r)
}

var overTheLimit = map[string]func(*testing.T, *bubble){
	"outputs that the state manager refuses fail their state, once": func(t *testing.T, b *bubble) {
		for _, status := range []int{400, 413, 422} {
			refuse := &tampered{Transport: b.sm.Namespace(namespace)}
			refuse.report = func(ctx context.Context, rs []transport.Report, next func(context.Context, []transport.Report) []error) []error {
				if _, ok := rs[0].Outcome.(transport.Executed); ok {
					return []error{&transport.Error{Op: "report", Status: status, Message: "not these"}}
				}
				return next(ctx, rs)
			}
			var calls atomic.Int64
			g, _ := one(onState(func(context.Context) error { calls.Add(1); return nil }))
			g.Retry(retries(3))
			w := b.workerOn(refuse, nil, g.Nodes())
			result := b.wait(b.trigger(g))
			w.stopped()
			executed(t, &calls, 1)
			if len(result.States) != 1 || result.States[0].Status != transport.StatusErrored || !strings.Contains(result.States[0].Error, "refuses the outputs") {
				t.Errorf("%d: states %+v", status, result.States)
			}
		}
	},
	// Something on the way has a limit of its own, as proxies do.
	"outputs that are too large together go one by one": func(t *testing.T, b *bubble) {
		var refused atomic.Int64
		small := &tampered{Transport: b.sm.Namespace(namespace)}
		small.report = func(ctx context.Context, rs []transport.Report, next func(context.Context, []transport.Report) []error) []error {
			if len(rs) > 1 {
				refused.Add(1)
				errs := make([]error, len(rs))
				for i := range errs {
					errs[i] = &transport.Error{Op: "report", Status: http.StatusRequestEntityTooLarge, Message: "413: <html>nginx</html>"}
				}
				return errs
			}
			return next(ctx, rs)
		}
		g, _ := many(30, onState(func(context.Context) error { return nil }))
		w := b.workerOn(small, faults.On(faults.Report, faults.Fault{Delay: 10 * time.Millisecond}), g.Nodes())
		r := b.trigger(g)
		w.finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 60})
		if refused.Load() == 0 {
			t.Error("no batch was refused")
		}
	},
	"the data of a prune": func(t *testing.T, b *bubble) {
		g, _ := one(onState(func(context.Context) error { return exo.Prune(map[string]any{"x": strings.Repeat("x", 16<<20)}) }))
		g.Retry(retries(3))
		w := b.worker(nil, g.Nodes())
		result := b.wait(b.trigger(g))
		w.stopped()
		if len(result.States) != 1 || !strings.Contains(result.States[0].Error, "prune data") {
			t.Errorf("states %.200v", result.States)
		}
	},
	"data of a prune says the same in every attempt": func(t *testing.T, b *bubble) {
		var n atomic.Int64
		g, _ := one(onState(func(context.Context) error {
			return exo.Prune(map[string]any{"n": numbered{&n}, "big": json.Number("12345678901234567890")})
		}))
		w := b.worker(faults.First(faults.Report, 2, faults.Fault{Kind: faults.DropAfter}), g.Nodes())
		result := b.wait(b.trigger(g))
		w.stopped()
		if s := w.Stats(); s.Reported != 1 || s.ReportErrors != 0 {
			t.Errorf("stats %+v", s)
		}
		if got := string(result.States[0].Data); got != `{"big":12345678901234567890,"n":1}` {
			t.Errorf("data %s", got)
		}
	},
}

// numbered is encoded in another way each time.
type numbered struct{ n *atomic.Int64 }

func (n numbered) MarshalJSON() ([]byte, error) { return fmt.Append(nil, n.n.Add(1)), nil }

var conflicts = map[string]func(*testing.T, *bubble){
	"one of two different reports is taken, both of two identical ones": func(t *testing.T, b *bubble) {
		ns := b.sm.Namespace(namespace)
		g, _ := one(echo)
		if err := ns.Register(t.Context(), "r", []transport.NodeSpec{echo.Spec()}); err != nil {
			t.Fatal(err)
		}
		for range 50 {
			r := b.trigger(g)
			states, err := ns.Claim(t.Context(), transport.ClaimRequest{Nodes: []string{"Echo"}, Max: 1, Lease: time.Minute})
			if err != nil || len(states) != 1 {
				t.Fatal(states, err)
			}
			report := func(o transport.Outcome) error {
				if errs := ns.Report(t.Context(), []transport.Report{{StateID: states[0].ID, Token: states[0].Token, Outcome: o}}); errs != nil {
					return errs[0]
				}
				return nil
			}
			var taken, refused [2]atomic.Int64
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					var o transport.Outcome = transport.Executed{}
					if i%2 == 1 {
						o = transport.Errored{Message: "no", Permanent: true}
					}
					switch err := report(o); {
					case err == nil:
						taken[i%2].Add(1)
					case errors.Is(err, transport.ErrConflict):
						refused[i%2].Add(1)
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			winner := 0
			if taken[1].Load() > 0 {
				winner = 1
			}
			if taken[winner].Load() != 4 || refused[1-winner].Load() != 4 {
				t.Errorf("taken %d and %d, refused %d and %d", taken[0].Load(), taken[1].Load(), refused[0].Load(), refused[1].Load())
			}
			want := []exo.Status{transport.StatusSuccess, transport.StatusErrored}[winner]
			b.expect(r, map[exo.Status]int{want: 1})
		}
	},
}

// afterTheFirst loses all reports but the first, which is that of a fan-out.
func afterTheFirst(op string, n int) faults.Fault {
	if op == faults.Report && n > 1 {
		return faults.Fault{Kind: faults.DropBefore}
	}
	return faults.Fault{}
}

// What the reporter keeps, and what it does when it is to give up.
var outcomes = map[string]func(*testing.T, *bubble){
	"are kept, bounded, and delivered later": func(t *testing.T, b *bubble) {
		const states, bound, workers = 4500, 4096, 64
		var calls atomic.Int64
		g, _ := many(states, onState(func(context.Context) error { calls.Add(1); return nil }))
		w := b.worker(afterTheFirst, g.Nodes(), exo.WithWorkers(workers), exo.WithBatchSize(workers), exo.WithLease(time.Hour))
		r := b.trigger(g)
		time.Sleep(10 * time.Minute)
		if got := w.Stats().Unreported; got < bound || got > bound+workers {
			t.Errorf("%d outcomes are kept, want at least %d and at most %d more", got, bound, workers)
		}
		claims := w.link.Calls(faults.Claim)
		time.Sleep(10 * time.Minute)
		if w.link.Calls(faults.Claim) != claims {
			t.Error("claimed although there is no room for outcomes")
		}
		w.link.SetPlan(nil)
		w.finish(b, r)
		executed(t, &calls, states)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 2 * states})
	},
	"are bounded in bytes": func(t *testing.T, b *bubble) {
		const states, size, workers = 80, 1 << 20, 4
		large := strings.Repeat("x", size)
		n := exo.Node("Do", func(context.Context, Text, exo.None) (Text, error) { return Text{large}, nil })
		g, _ := many(states, n)
		w := b.worker(afterTheFirst, g.Nodes(), exo.WithWorkers(workers), exo.WithLease(time.Hour))
		r := b.trigger(g)
		time.Sleep(10 * time.Minute)
		if got := w.Stats().Unreported; got < 64 || got > 64+workers {
			t.Errorf("%d outcomes of a MiB each are kept", got)
		}
		w.link.SetPlan(nil)
		w.finish(b, r)
	},
	"are given up when the backoff says so, each by its own": func(t *testing.T, b *bubble) {
		limited := func() backoff.BackOff {
			return backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Second), backoff.WithMaxElapsedTime(time.Minute))
		}
		var gaveUp atomic.Int64
		var w *worker
		trace := &exo.Trace{Reported: func(_ context.Context, _ node.Info, _ exo.Outcome, _ time.Duration, err error) {
			_ = w.Stats() // may be called from hooks
			if err != nil {
				gaveUp.Add(1)
			}
		}}
		g, _ := one(onState(func(context.Context) error { return nil }))
		g.Retry(retries(5))
		w = b.worker(nil, g.Nodes(), exo.WithReportBackoff(limited), exo.WithTrace(trace))
		time.Sleep(time.Hour) // longer than a backoff lasts
		w.link.SetPlan(faults.First(faults.Report, 3, faults.Fault{Kind: faults.DropBefore}))
		r := b.trigger(g)
		if result := b.wait(r); result.Status != exo.RunSuccess || len(result.States) != 1 {
			t.Errorf("given up after less than the backoff lasts: %+v", result.States)
		}
		// Now it is away for longer: the outcome is given up, the lease ends, and
		// the state is retried.
		w.link.SetPlan(faults.On(faults.Report, faults.Fault{Kind: faults.DropBefore}))
		r = b.trigger(g)
		time.Sleep(100 * time.Second)
		if gaveUp.Load() == 0 || w.logged("gave up reporting") == 0 {
			t.Error("not given up")
		}
		w.link.SetPlan(nil)
		w.finish(b, r)
		if got := b.states(r)[transport.StatusRetryCreated]; got == 0 {
			t.Error("the state was not retried")
		}
	},
	"that the state manager always fails on hold up no others": func(t *testing.T, b *bubble) {
		picky := &tampered{Transport: b.sm.Namespace(namespace)}
		var poisonous atomic.Value
		poisonous.Store("")
		picky.report = func(ctx context.Context, rs []transport.Report, next func(context.Context, []transport.Report) []error) []error {
			errs := make([]error, len(rs))
			for i, r := range rs {
				if e, ok := r.Outcome.(transport.Errored); ok && e.Message == "poison" {
					errs[i] = &transport.Error{Op: "report", Status: 500, Message: "boom"}
				} else if taken := next(ctx, rs[i:i+1]); taken != nil {
					errs[i] = taken[0]
				}
			}
			return errs
		}
		var first atomic.Bool
		g, _ := many(200, onState(func(context.Context) error {
			if first.CompareAndSwap(false, true) {
				return errors.New("poison")
			}
			time.Sleep(time.Second)
			return nil
		}))
		w := b.workerOn(picky, nil, g.Nodes(), exo.WithWorkers(4), exo.WithDrainTimeout(10*time.Second))
		r := b.trigger(g)
		time.Sleep(65 * time.Second)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 399, transport.StatusQueued: 1})
		if err := w.stop(); !errors.Is(err, exo.ErrDrainTimeout) {
			t.Errorf("Run: %v", err)
		}
	},
	// So answers what is in front of a state manager that is being replaced.
	"are kept when something on the way answers 404": func(t *testing.T, b *bubble) {
		s := newServer(b.sm)
		over, _ := s.http(nil)
		g, _ := one(onState(func(context.Context) error {
			s.serve(http.NotFoundHandler())
			return nil
		}))
		w := b.workerOn(over, nil, g.Nodes())
		r := b.trigger(g)
		time.Sleep(10 * time.Second) // less than the lease
		if got := w.Stats().Unreported; got != 1 {
			t.Errorf("%d outcomes are kept, want 1", got)
		}
		s.replace(b.sm)
		w.finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
	},
	// Without batches, no answer that is slow to come holds up others.
	"of single calls wait for no other": func(_ *testing.T, b *bubble) {
		const hangs = 20 * time.Second
		single := local.New(local.WithoutExtensions())
		defer func() { _ = single.Close() }()
		b.sm = single
		g, _ := many(200, onState(func(context.Context) error { return nil }))
		over, _ := newServer(single).http(faults.On(faults.Report, faults.Fault{Delay: hangs}, 3, 50))
		w := b.workerOn(over, nil, g.Nodes())
		r := b.trigger(g)
		time.Sleep(hangs / 2)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 398, transport.StatusQueued: 2})
		w.finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 400})
	},
	"of single calls in an outage do not fill the log": func(t *testing.T, b *bubble) {
		single := local.New(local.WithoutExtensions())
		defer func() { _ = single.Close() }()
		b.sm = single
		g, _ := many(200, onState(func(context.Context) error { return nil }))
		over, rt := newServer(single).http(afterTheFirst)
		w := b.workerOn(over, nil, g.Nodes())
		r := b.trigger(g)
		time.Sleep(time.Minute)
		if got := w.Stats().Unreported; got != 200 {
			t.Errorf("%d outcomes wait for the state manager, want 200", got)
		}
		if lines := w.logged("cannot report yet"); lines == 0 || lines > 60 {
			t.Errorf("%d lines in the log of an outage of a minute", lines)
		}
		rt.SetPlan(nil)
		w.finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 400})
	},
	"wait as long as the state manager asks": func(t *testing.T, b *bubble) {
		const asked = 40 * time.Second
		var mu sync.Mutex
		var calls []time.Time
		plan := func(op string, n int) faults.Fault {
			if op != faults.Report {
				return faults.Fault{}
			}
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, time.Now())
			if n == 2 {
				return faults.Fault{Kind: faults.Refuse, Status: 429, RetryAfter: asked}
			}
			return faults.Fault{}
		}
		g, _ := many(50, onState(func(context.Context) error { time.Sleep(time.Second); return nil }))
		w := b.worker(plan, g.Nodes(), exo.WithWorkers(5))
		r := b.trigger(g)
		w.finish(b, r)
		mu.Lock()
		defer mu.Unlock()
		if len(calls) < 3 {
			t.Fatalf("%d calls", len(calls))
		}
		if gap := calls[2].Sub(calls[1]); gap < asked || gap > asked+asked/10 {
			t.Errorf("the next report came after %v", gap)
		}
	},
}
