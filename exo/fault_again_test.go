package exo_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/faults"
	"github.com/google/go-cmp/cmp"
)

// reportLog is what Trace.Reported was called with, as "requeued <nil>".
type reportLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *reportLog) trace() exo.RuntimeOption {
	return exo.WithTrace(&exo.Trace{Reported: func(_ context.Context, _ node.Info, o exo.Outcome, _ time.Duration, err error) {
		if errors.Is(err, exo.ErrLeaseLost) {
			err = exo.ErrLeaseLost
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, fmt.Sprint(o.Kind, " ", err))
	}})
}

func (l *reportLog) expect(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if diff := cmp.Diff(want, l.lines); diff != "" {
		t.Errorf("reported (-want +got):\n%s", diff)
	}
}

// requeuesOnce is a node that asks to be run again the first time, and takes
// ten minutes the second.
func requeuesOnce(calls *atomic.Int64) *node.Node[Text, Text, exo.None] {
	return onState(func(ctx context.Context) error {
		if calls.Add(1) == 1 {
			return exo.RequeueAfter(time.Millisecond)
		}
		select {
		case <-time.After(10 * time.Minute):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}

// repeat gives out a state once more when it is told to, as if its lease had
// ended or somebody had requeued it by hand.
func (b *bubble) repeat(now <-chan struct{}) *tampered {
	var last atomic.Pointer[transport.Claimed]
	sm := &tampered{Transport: b.sm.Namespace(namespace)}
	sm.claim = func(ctx context.Context, req transport.ClaimRequest, next func(context.Context, transport.ClaimRequest) ([]transport.Claimed, error)) ([]transport.Claimed, error) {
		if s := last.Load(); s != nil {
			select {
			case <-now:
				return []transport.Claimed{*s}, nil
			case <-req.Stop:
				return nil, nil
			}
		}
		states, err := next(ctx, req)
		if len(states) > 0 {
			last.Store(&states[0])
		}
		return states, err
	}
	return sm
}

var claimedAgain = map[string]func(*testing.T, *bubble){
	"a requeue whose response is lost was taken": func(t *testing.T, b *bubble) {
		for name, plan := range map[string]faults.Plan{
			"between attempts": faults.First(faults.Report, 1, faults.Fault{Kind: faults.DropAfter}),
			"in flight":        faults.First(faults.Report, 1, faults.Fault{Kind: faults.DropAfter, Late: 5 * time.Second}),
			"in a long outage": faults.First(faults.Report, 12, faults.Fault{Kind: faults.DropAfter}),
		} {
			for _, lease := range []time.Duration{0, 30 * time.Second} {
				var calls atomic.Int64
				var log reportLog
				g, _ := one(requeuesOnce(&calls))
				g.Retry(exo.NoRetry())
				w := b.worker(plan, g.Nodes(), exo.WithLease(lease), log.trace())
				r := b.trigger(g)
				time.Sleep(time.Minute)
				if s := w.Stats(); s.Unreported != 0 || s.Reported != 1 || s.Executing != 1 {
					t.Errorf("%s, lease %v: after a minute: %+v", name, lease, s)
				}
				w.finish(b, r)
				executed(t, &calls, 2)
				if s := w.Stats(); s.Lost != 0 || s.Requeued != 1 || s.Executed != 1 || s.Reported != 2 || s.ReportErrors != 0 {
					t.Errorf("%s, lease %v: %+v", name, lease, s)
				}
				log.expect(t, "requeued <nil>", "executed <nil>")
				b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
			}
		}
	},
	// It says that an attempt before it was taken, as the claim does.
	"a requeue that is refused in the end was taken": func(t *testing.T, b *bubble) {
		sm := &tampered{Transport: b.sm.Namespace(namespace)}
		var reports atomic.Int64
		sm.report = func(ctx context.Context, rs []transport.Report, next func(context.Context, []transport.Report) []error) []error {
			switch reports.Add(1) {
			case 1:
				_ = next(ctx, rs)
				return []error{&transport.Error{Op: "report", Message: "no response"}}
			case 2: // the state is claimed again meanwhile
				time.Sleep(10 * time.Second)
				return []error{&transport.Error{Op: "report", Status: 409, Message: "Lease lost"}}
			}
			return next(ctx, rs)
		}
		var calls atomic.Int64
		var log reportLog
		g, _ := one(onState(func(context.Context) error {
			if calls.Add(1) == 1 {
				return exo.RequeueAfter(2 * time.Second)
			}
			return nil
		}))
		w := b.workerOn(sm, nil, g.Nodes(), log.trace())
		r := b.trigger(g)
		w.finish(b, r)
		log.expect(t, "executed <nil>", "requeued <nil>")
		if s := w.Stats(); s.Reported != 2 || s.ReportErrors != 0 {
			t.Errorf("%+v", s)
		}
	},
	"a requeue that was only turned away was not taken": func(t *testing.T, b *bubble) {
		again := make(chan struct{}, 1)
		var calls atomic.Int64
		var log reportLog
		g, _ := one(requeuesOnce(&calls))
		w := b.workerOn(b.repeat(again), faults.First(faults.Report, 3, faults.Fault{Kind: faults.Refuse, Status: 429, RetryAfter: 30 * time.Second}), g.Nodes(), log.trace())
		r := b.trigger(g)
		time.Sleep(10 * time.Second)
		again <- struct{}{}
		w.finish(b, r)
		executed(t, &calls, 2)
		log.expect(t, "requeued "+exo.ErrLeaseLost.Error(), "executed <nil>")
		if s := w.Stats(); s.Reported != 1 || s.ReportErrors != 1 {
			t.Errorf("%+v", s)
		}
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
	},
	// Had it been taken, the state could not come back. The second execution is
	// the one that counts, in whatever order they end.
	"an outcome that ends the state was not taken": func(t *testing.T, b *bubble) {
		for _, fault := range []faults.Fault{{Kind: faults.DropBefore}, {Kind: faults.DropBefore, Delay: 20 * time.Second}} {
			again := make(chan struct{}, 1)
			var calls atomic.Int64
			var log reportLog
			g, _ := one(onState(func(context.Context) error {
				if calls.Add(1) > 1 {
					time.Sleep(10 * time.Minute)
				}
				return nil
			}))
			w := b.workerOn(b.repeat(again), faults.First(faults.Report, 1, fault), g.Nodes(), log.trace(), exo.WithReportBackoff(newConstant(20*time.Second)))
			r := b.trigger(g)
			time.Sleep(10 * time.Second)
			again <- struct{}{}
			time.Sleep(5 * time.Minute)
			b.expect(r, map[exo.Status]int{transport.StatusQueued: 1})
			w.finish(b, r)
			executed(t, &calls, 2)
			log.expect(t, "executed "+exo.ErrLeaseLost.Error(), "executed <nil>")
			b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
		}
	},
	"a state that nobody here executes, put back and put back again": func(t *testing.T, b *bubble) {
		var log reportLog
		g, _ := one(onState(func(context.Context) error { return nil }))
		sm := &tampered{Transport: b.sm.Namespace(namespace)}
		sm.claim = func(ctx context.Context, req transport.ClaimRequest, next func(context.Context, transport.ClaimRequest) ([]transport.Claimed, error)) ([]transport.Claimed, error) {
			req.Nodes = []string{"Do"}
			return next(ctx, req)
		}
		other := exo.Node("Other", func(context.Context, exo.None, exo.None) (exo.None, error) { return exo.None{}, nil })
		w := b.workerOn(sm, faults.On(faults.Report, faults.Fault{Kind: faults.DropAfter}), exo.Nodes(other), log.trace(), exo.WithReportBackoff(newConstant(time.Hour)))
		if err := b.sm.Namespace(namespace).Register(t.Context(), "others", []transport.NodeSpec{onState(nil).Spec()}); err != nil {
			t.Fatal(err)
		}
		b.trigger(g)
		time.Sleep(9500 * time.Millisecond)
		if s := w.Stats(); s.Returned < 9 || s.Reported != s.Returned-1 || s.ReportErrors != 0 || s.Unreported != 1 {
			t.Errorf("%+v", s)
		}
		w.link.SetPlan(nil)
		w.stopped()
	},
}
