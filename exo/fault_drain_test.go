package exo_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/faults"
	"go.uber.org/zap"
)

// Further forms of the drain are in TestDrain.
var contextEnds = map[string]func(*testing.T, *bubble){
	"what a claim under way brings is put back": func(t *testing.T, b *bubble) {
		var calls atomic.Int64
		n := onState(func(context.Context) error { calls.Add(1); return nil })
		g, _ := one(n)
		w := b.worker(faults.On(faults.Claim, faults.Fault{Late: 10 * time.Second}), g.Nodes())
		r := b.trigger(g)
		time.Sleep(time.Second)
		b.expect(r, map[exo.Status]int{transport.StatusQueued: 1}) // the state manager's answer is on its way
		w.stopped()
		b.expect(r, map[exo.Status]int{transport.StatusCreated: 1})
		executed(t, &calls, 0)
		if s := w.Stats(); s.Claimed != 1 || s.Returned != 1 || s.Reported != 1 {
			t.Errorf("stats %+v", s)
		}
		b.worker(nil, g.Nodes()).finish(b, r)
	},
	"a claim that is never answered is given up": func(t *testing.T, b *bubble) {
		g, _ := one(echo)
		w := b.worker(faults.On(faults.Claim, faults.Fault{Late: time.Hour}), g.Nodes(), exo.WithDrainTimeout(20*time.Second))
		time.Sleep(time.Second)
		began := time.Now()
		w.stopped()
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("Run returned after %v", took)
		}
	},
	"nothing is claimed any more": func(t *testing.T, b *bubble) {
		release := make(chan struct{})
		g, _ := one(onState(func(context.Context) error { <-release; return nil }))
		w := b.worker(nil, g.Nodes())
		r := b.trigger(g)
		settle()
		w.cancel()
		settle()
		claims := w.link.Calls(faults.Claim)
		late := b.trigger(g)
		time.Sleep(10 * time.Second)
		close(release)
		if err := <-w.done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := w.link.Calls(faults.Claim); got != claims {
			t.Errorf("%d claims after the end of the context", got-claims)
		}
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
		b.expect(late, map[exo.Status]int{transport.StatusCreated: 1})
	},
	"reports are flushed once the state manager is back": func(t *testing.T, b *bubble) {
		never := func() backoff.BackOff { return backoff.NewConstantBackOff(time.Hour) }
		release := make(chan struct{})
		g, _ := one(onState(func(context.Context) error { <-release; return nil }))
		w := b.worker(nil, g.Nodes(), exo.WithReportBackoff(never))
		r := b.trigger(g)
		settle()
		w.link.SetPlan(faults.On(faults.Report, faults.Fault{Kind: faults.DropBefore}))
		close(release)
		time.Sleep(time.Second)
		b.expect(r, map[exo.Status]int{transport.StatusQueued: 1})
		w.cancel()
		time.Sleep(15 * time.Second)
		w.link.SetPlan(nil)
		began := time.Now()
		if err := <-w.done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("reported %v after the state manager was back", took)
		}
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
	},
	"states are put back although the first reports fail": func(t *testing.T, b *bubble) {
		g, _ := one(onState(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))
		w := b.worker(faults.First(faults.Report, 3, faults.Fault{Kind: faults.DropAfter}), g.Nodes(), exo.WithDrainTimeout(10*time.Second))
		r := b.trigger(g)
		settle()
		if err := w.stop(); !errors.Is(err, exo.ErrDrainTimeout) {
			t.Errorf("Run: %v", err)
		}
		b.expect(r, map[exo.Status]int{transport.StatusCreated: 1})
		b.worker(nil, exo.Nodes(onState(func(context.Context) error { return nil }))).finish(b, r)
	},
	"reports that cannot be delivered are said to be lost, and Run leaves nothing behind": func(t *testing.T, b *bubble) {
		release := make(chan struct{})
		g, _ := one(onState(func(context.Context) error { <-release; return nil }))
		g.Retry(retries(1))
		w := b.worker(nil, g.Nodes(), exo.WithDrainTimeout(10*time.Second))
		r := b.trigger(g)
		settle()
		// The last attempt is under way when Run returns.
		w.link.SetPlan(faults.On(faults.Report, faults.Fault{Kind: faults.DropBefore, Delay: 20 * time.Second}))
		close(release)
		settle()
		began := time.Now()
		if err := w.stop(); !errors.Is(err, exo.ErrDrainTimeout) {
			t.Errorf("Run: %v", err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("Run returned after %v", took)
		}
		w.link.SetPlan(nil)
		calls := w.link.Calls(faults.Report)
		time.Sleep(time.Hour)
		if got := w.link.Calls(faults.Report); got != calls {
			t.Errorf("%d reports after Run has returned", got-calls)
		}
		b.worker(nil, exo.Nodes(onState(func(context.Context) error { return nil }))).finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusRetryCreated: 1, transport.StatusSuccess: 1})
	},
	"without a drain time-out everything is put back at once": func(t *testing.T, b *bubble) {
		g, _ := many(20, onState(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))
		w := b.worker(nil, g.Nodes(), exo.WithDrainTimeout(0), exo.WithWorkers(8))
		r := b.trigger(g)
		settle()
		began := time.Now()
		if err := w.stop(); !errors.Is(err, exo.ErrDrainTimeout) {
			t.Errorf("Run: %v", err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 20, transport.StatusCreated: 20})
	},
}

// finish waits for a run that the worker is to execute successfully, without an
// attempt more than there were, and stops the worker.
func (w *worker) finish(b *bubble, r *exo.Run) {
	w.t.Helper()
	if result := b.wait(r); result.Status != exo.RunSuccess {
		w.t.Errorf("run: %v", result.Err())
	}
	w.stopped()
}

var startStop = map[string]func(*testing.T, *bubble){
	"Run twice at once": func(t *testing.T, b *bubble) {
		w := b.worker(nil, exo.Nodes(echo))
		settle()
		if err := w.Run(t.Context()); !errors.Is(err, exo.ErrRuntimeClosed) {
			t.Errorf("second Run: %v", err)
		}
		if w.probe("ready") != 200 || w.probe("live") != 200 {
			t.Error("the second Run has ended the first")
		}
		w.stopped()
		if w.probe("ready") != 503 || w.probe("live") != 503 {
			t.Error("healthy after the end")
		}
	},
	"Run with a context that has ended": func(t *testing.T, b *bubble) {
		rt, err := exo.NewRuntime(namespace, "w", exo.Nodes(echo), exo.WithStateManager(b.sm), exo.WithLogger(zap.NewNop()))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := rt.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := rt.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	},
	"Shutdown while Run cannot register": func(t *testing.T, b *bubble) {
		w := b.worker(faults.On(faults.Register, faults.Fault{Kind: faults.DropBefore}), exo.Nodes(echo))
		time.Sleep(time.Minute)
		if err := w.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-w.done; err != nil {
			t.Errorf("Run: %v", err)
		}
	},
	"Shutdown and Run at once": func(t *testing.T, b *bubble) {
		for range 100 {
			rt, err := exo.NewRuntime(namespace, "w", exo.Nodes(echo), exo.WithStateManager(b.sm), exo.WithLogger(zap.NewNop()))
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := rt.Run(t.Context()); err != nil && !errors.Is(err, exo.ErrRuntimeClosed) {
					t.Errorf("Run: %v", err)
				}
			})
			for range 3 {
				wg.Go(func() {
					if err := rt.Shutdown(t.Context()); err != nil {
						t.Errorf("Shutdown: %v", err)
					}
				})
			}
			wg.Wait()
		}
	},
	"many starts and stops under load": func(t *testing.T, b *bubble) {
		const goroutines, times, states = 10, 50, 1000
		var calls atomic.Int64
		g, _ := many(states, onState(func(ctx context.Context) error {
			calls.Add(1)
			select {
			case <-time.After(time.Duration(calls.Load()%7) * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}))
		register := b.worker(nil, g.Nodes(), exo.WithWorkers(1))
		r := b.trigger(g)
		register.stopped()
		var wg sync.WaitGroup
		for i := range goroutines {
			wg.Go(func() {
				for j := range times {
					rt, err := exo.NewRuntime(namespace, "w", g.Nodes(), exo.WithStateManager(b.sm), exo.WithLogger(zap.NewNop()),
						exo.WithWorkers(4), exo.WithDrainTimeout(time.Duration(j%3)*time.Millisecond))
					if err != nil {
						t.Error(err)
						return
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration((i+j)%20)*time.Millisecond)
					if err := rt.Run(ctx); err != nil && !errors.Is(err, exo.ErrDrainTimeout) {
						t.Errorf("Run: %v", err)
					}
					cancel()
				}
			})
		}
		wg.Wait()
		b.worker(nil, g.Nodes()).finish(b, r)
		// Stops burn no attempt.
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 2 * states})
	},
	"a state manager that is closed": func(t *testing.T, b *bubble) {
		sm := local.New()
		w := b.workerOn(sm, nil, exo.Nodes(echo))
		settle()
		if err := sm.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		if n := w.link.Calls(faults.Claim); n > 400 {
			t.Errorf("%d claims in an hour", n)
		}
		w.stopped()
	},
}
