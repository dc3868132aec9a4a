package exo_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/faults"
)

var leases = map[string]func(*testing.T, *bubble){
	"are kept while two heartbeats in a row fail": func(t *testing.T, b *bubble) {
		for name, f := range map[string]faults.Fault{
			"at once":     {Kind: faults.DropBefore},
			"by time-out": {Late: time.Hour, Kind: faults.DropAfter, Delay: time.Hour},
		} {
			plan := func(op string, n int) faults.Fault {
				if op == faults.Heartbeat && n%3 != 0 {
					return f
				}
				return faults.Fault{}
			}
			g, _ := one(onState(func(ctx context.Context) error {
				select {
				case <-time.After(10 * time.Minute):
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}))
			w := b.worker(plan, g.Nodes())
			r := b.trigger(g)
			w.finish(b, r)
			if s := w.Stats(); s.Executed != 1 || s.Lost != 0 {
				t.Errorf("%s: stats %+v", name, s)
			}
		}
	},
	"are kept while a report is under way or waits": func(t *testing.T, b *bubble) {
		var calls atomic.Int64
		g, _ := one(onState(func(context.Context) error { calls.Add(1); return nil }))
		w := b.worker(faults.First(faults.Report, 8, faults.Fault{Kind: faults.DropBefore, Delay: 29 * time.Second}), g.Nodes(), exo.WithLease(3*time.Second))
		r := b.trigger(g)
		w.finish(b, r)
		executed(t, &calls, 1)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
	},
	// Without leases, a state that somebody has put back comes again while its
	// node still runs.
	"of a state that is claimed again end": func(t *testing.T, b *bubble) {
		var again atomic.Pointer[transport.Claimed]
		twice := &tampered{Transport: b.sm.Namespace(namespace)}
		twice.claim = func(ctx context.Context, req transport.ClaimRequest, next func(context.Context, transport.ClaimRequest) ([]transport.Claimed, error)) ([]transport.Claimed, error) {
			if s := again.Swap(nil); s != nil {
				return []transport.Claimed{*s}, nil
			}
			req.Wait = 0
			states, err := next(ctx, req)
			if len(states) > 0 {
				again.Store(&states[0])
			}
			return states, err
		}
		var calls, lost atomic.Int64
		g, _ := one(onState(func(ctx context.Context) error {
			if calls.Add(1) > 1 {
				return nil
			}
			<-ctx.Done()
			if errors.Is(context.Cause(ctx), exo.ErrLeaseLost) {
				lost.Add(1)
			}
			return ctx.Err()
		}))
		w := b.workerOn(twice, nil, g.Nodes())
		r := b.trigger(g)
		w.finish(b, r)
		executed(t, &calls, 2)
		if s := w.Stats(); lost.Load() != 1 || s.Lost != 1 || s.Executed != 1 {
			t.Errorf("%d were told, stats %+v", lost.Load(), s)
		}
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
	},
	// A report is offered until it is answered, though the lease is known to be
	// lost: it may have been taken before.
	"lost while a report waits: the report still gets its answer": func(t *testing.T, b *bubble) {
		for _, taken := range []bool{false, true} {
			kind := faults.DropBefore
			if taken {
				kind = faults.DropAfter
			}
			g, _ := one(onState(func(context.Context) error { return nil }))
			g.Retry(exo.NoRetry())
			plan := faults.Any(
				faults.On(faults.Report, faults.Fault{Kind: kind}, 1, 2, 3, 4, 5),
				faults.First(faults.Heartbeat, 20, faults.Fault{Kind: faults.DropBefore}))
			w := b.worker(plan, g.Nodes(), exo.WithLease(time.Second))
			r := b.trigger(g)
			time.Sleep(5 * time.Minute)
			s := w.Stats()
			if s.Lost != 0 || s.Unreported != 0 || s.Reported+s.ReportErrors != 1 || (s.Reported == 1) != taken {
				t.Errorf("taken: %v: stats %+v", taken, s)
			}
			want := map[exo.Status]int{transport.StatusErrored: 1}
			if taken {
				want = map[exo.Status]int{transport.StatusSuccess: 1}
			}
			b.expect(r, want)
			w.stopped()
		}
	},
	// The answer that it was put back is lost, and it is claimed again by the same
	// runtime: its second lease is the one that counts.
	"of a state that is claimed again before its report is answered": func(t *testing.T, b *bubble) {
		var calls atomic.Int64
		g, _ := one(onState(func(ctx context.Context) error {
			if calls.Add(1) == 1 {
				return exo.RequeueAfter(time.Millisecond)
			}
			select {
			case <-time.After(10 * time.Minute):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}))
		g.Retry(exo.NoRetry())
		w := b.worker(faults.First(faults.Report, 12, faults.Fault{Kind: faults.DropAfter}), g.Nodes())
		r := b.trigger(g)
		w.finish(b, r)
		executed(t, &calls, 2)
		if s := w.Stats(); s.Lost != 0 || s.Requeued != 1 || s.Executed != 1 {
			t.Errorf("stats %+v", s)
		}
	},
	"of a cancelled run: its nodes are cancelled": func(t *testing.T, b *bubble) {
		causes := make(chan error, 10)
		g, _ := many(10, onState(func(ctx context.Context) error {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return ctx.Err()
		}))
		w := b.worker(nil, g.Nodes())
		r := b.trigger(g)
		time.Sleep(time.Minute)
		if err := r.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if s := w.Stats(); s.Lost != 10 || s.Executing != 0 {
			t.Errorf("stats %+v", s)
		}
		for range 10 {
			if err := <-causes; !errors.Is(err, exo.ErrLeaseLost) {
				t.Errorf("cause %v", err)
			}
		}
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 10, transport.StatusCancelled: 10})
		w.stopped()
	},
}
