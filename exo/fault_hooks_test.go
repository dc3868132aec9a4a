package exo_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/faults"
)

// A badBackoff does something in place of each of its methods.
type badBackoff struct{ do func() }

func (b badBackoff) NextBackOff() time.Duration { b.do(); return time.Second }
func (b badBackoff) Reset()                     { b.do() }

var hooks = map[string]func(*testing.T, *bubble){
	"of a Trace that panic": func(t *testing.T, b *bubble) {
		const states = 50
		bad := &exo.Trace{
			Registered: func([]string) { panic("in a hook") },
			Claimed:    func(int, int, time.Duration, error) { panic("in a hook") },
			Started:    func(context.Context, node.Info) context.Context { panic("in a hook") },
			Finished:   func(context.Context, node.Info, exo.Outcome, time.Duration) { panic("in a hook") },
			Reported:   func(context.Context, node.Info, exo.Outcome, time.Duration, error) { panic("in a hook") },
		}
		var good atomic.Int64
		count := &exo.Trace{Reported: func(context.Context, node.Info, exo.Outcome, time.Duration, error) { good.Add(1) }}
		g, _ := many(states, onState(func(context.Context) error { return nil }))
		w := b.worker(nil, g.Nodes(), exo.WithTrace(bad), exo.WithTrace(count))
		r := b.trigger(g)
		w.finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 2 * states})
		if s := w.Stats(); s.HookPanics < 3*(states+1)+2 || good.Load() != states+1 {
			t.Errorf("%d panics counted, %d outcomes seen by the next hook", s.HookPanics, good.Load())
		}
		if n := w.logged("panicked; it is counted from now on, and not logged again"); n != 5 {
			t.Errorf("%d lines for 5 hooks", n)
		}
	},
	"of a Trace that end their goroutine": func(t *testing.T, b *bubble) {
		const states = 50
		bad := &exo.Trace{
			Finished: func(context.Context, node.Info, exo.Outcome, time.Duration) { runtime.Goexit() },
			Reported: func(context.Context, node.Info, exo.Outcome, time.Duration, error) { runtime.Goexit() },
		}
		g, _ := many(states, onState(func(context.Context) error { return nil }))
		w := b.worker(nil, g.Nodes(), exo.WithTrace(bad))
		r := b.trigger(g)
		w.finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 2 * states})
		if s := w.Stats(); s.Unreported != 0 || s.Executing != 0 {
			t.Errorf("%+v", s)
		}
	},
	// Hooks and backoffs may ask the runtime for what it counts under its locks.
	"and backoffs are called without a lock": func(_ *testing.T, b *bubble) {
		var asked atomic.Pointer[worker]
		ask := func() {
			if w := asked.Load(); w != nil {
				_ = w.Stats()
			}
		}
		trace := &exo.Trace{Reported: func(context.Context, node.Info, exo.Outcome, time.Duration, error) { ask() }}
		g, _ := many(20, onState(func(context.Context) error { return nil }))
		w := b.worker(faults.First(faults.Report, 5, faults.Fault{Kind: faults.DropAfter}), g.Nodes(), exo.WithTrace(trace),
			exo.WithReportBackoff(func() backoff.BackOff { ask(); return badBackoff{ask} }))
		asked.Store(w)
		r := b.trigger(g)
		w.finish(b, r)
	},
	"and backoffs that hang hold up no other reports": func(t *testing.T, b *bubble) {
		const states = 20
		release := make(chan struct{})
		var hangs atomic.Int64
		g, _ := many(states, onState(func(context.Context) error { return nil }))
		w := b.worker(faults.On(faults.Report, faults.Fault{Kind: faults.DropBefore}, 2), g.Nodes(), exo.WithWorkers(1),
			exo.WithReportBackoff(func() backoff.BackOff {
				return badBackoff{func() { hangs.Add(1); <-release }}
			}))
		r := b.trigger(g)
		time.Sleep(time.Minute)
		if s := w.Stats(); hangs.Load() != 1 || s.Unreported != 1 || s.Reported != states {
			t.Errorf("%d hang, %+v", hangs.Load(), s)
		}
		close(release)
		w.finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 2 * states})
	},
	"of WithReportBackoff that panic, end their goroutine, or give nothing": func(t *testing.T, b *bubble) {
		for name, bad := range map[string]func() backoff.BackOff{
			"panic":   func() backoff.BackOff { panic("no backoff") },
			"Goexit":  func() backoff.BackOff { runtime.Goexit(); return nil },
			"nil":     func() backoff.BackOff { return nil },
			"methods": func() backoff.BackOff { return badBackoff{func() { panic("no wait") }} },
			"later": func() backoff.BackOff {
				var n atomic.Int64
				return badBackoff{func() {
					if n.Add(1) > 1 {
						runtime.Goexit()
					}
				}}
			},
		} {
			g, _ := one(onState(func(context.Context) error { return nil }))
			plan := faults.Any(
				faults.First(faults.Register, 2, faults.Fault{Kind: faults.DropBefore}),
				faults.First(faults.Report, 2, faults.Fault{Kind: faults.DropBefore}))
			w := b.worker(plan, g.Nodes(), exo.WithReportBackoff(bad))
			r := b.trigger(g)
			w.finish(b, r)
			b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
			if s := w.Stats(); s.HookPanics == 0 {
				t.Errorf("%s: %+v", name, s)
			}
		}
	},
	"of a transport that panics": func(t *testing.T, b *bubble) {
		sm := &tampered{Transport: b.sm.Namespace(namespace)}
		var reports atomic.Int64
		sm.report = func(ctx context.Context, rs []transport.Report, next func(context.Context, []transport.Report) []error) []error {
			if reports.Add(1) == 1 {
				panic("in a round tripper")
			}
			return next(ctx, rs)
		}
		g, _ := one(onState(func(context.Context) error { return nil }))
		w := b.workerOn(sm, nil, g.Nodes())
		r := b.trigger(g)
		w.finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
	},
	"that panic with a secret": func(t *testing.T, b *bubble) {
		type key struct {
			Key exo.Secret `json:"key"`
		}
		const secret = "canary-of-a-hook"
		g := exo.NewGraph("secret").Secrets(exo.Fields(key{secret}))
		exo.Add(g, "call", exo.Node("Call", func(context.Context, exo.None, key) (Text, error) { return Text{secret}, nil }), exo.None{})
		bad := &exo.Trace{
			Started:  func(context.Context, node.Info) context.Context { panic("started with " + secret) },
			Finished: func(context.Context, node.Info, exo.Outcome, time.Duration) { panic("finished with " + secret) },
			Reported: func(context.Context, node.Info, exo.Outcome, time.Duration, error) { panic("reported with " + secret) },
		}
		w := b.worker(nil, g.Nodes(), exo.WithTrace(bad))
		w.finish(b, b.trigger(g))
		if w.mentions(secret) || !w.mentions("reported with [REDACTED]") {
			t.Error("the secret shows, or nothing was redacted")
		}
	},
}

// What turns a report away before the state manager looks at it says nothing of
// whether it was taken.
var turnedAway = map[string]func(*testing.T, *bubble){
	"a report that is not queued after that was not taken": func(t *testing.T, b *bubble) {
		for _, test := range []struct {
			statuses []int
			taken    bool
		}{
			{[]int{429}, false},
			{[]int{503}, false},
			{[]int{429, 503, 408, 425, 429}, false},
			{[]int{500}, true},
			{[]int{502, 429}, true},
			{[]int{429, 504, 503}, true},
			{[]int{503, 0}, true}, // no response at all
		} {
			sm := &tampered{Transport: b.sm.Namespace(namespace)}
			var reports atomic.Int64
			sm.report = func(ctx context.Context, rs []transport.Report, next func(context.Context, []transport.Report) []error) []error {
				n := int(reports.Add(1))
				if n <= len(test.statuses) {
					return []error{&transport.Error{Op: "report", Status: test.statuses[n-1], Message: "later"}}
				}
				_ = next(ctx, rs)
				return []error{&transport.Error{Op: "report", Status: 400, Message: "State is not queued"}}
			}
			var log reportLog
			g, _ := one(onState(func(context.Context) error { return nil }))
			w := b.workerOn(sm, nil, g.Nodes(), log.trace())
			b.wait(b.trigger(g))
			w.stopped()
			if s := w.Stats(); (s.Reported == 1) != test.taken || s.Reported+s.ReportErrors != 1 {
				t.Errorf("%v: %+v", test.statuses, s)
			}
			if test.taken {
				log.expect(t, "executed <nil>")
			} else if len(log.lines) != 1 || !strings.Contains(log.lines[0], "State is not queued") {
				t.Errorf("%v: %q", test.statuses, log.lines)
			}
		}
	},
	"by an ingress, likewise": func(t *testing.T, b *bubble) {
		sm := &tampered{Transport: b.sm.Namespace(namespace)}
		var reports atomic.Int64
		sm.report = func(ctx context.Context, rs []transport.Report, next func(context.Context, []transport.Report) []error) []error {
			if reports.Add(1) == 1 {
				return []error{&transport.Error{Op: "report", Status: 404, Message: "404 page not found", Err: transport.ErrForeignAnswer}}
			}
			_ = next(ctx, rs)
			return []error{&transport.Error{Op: "report", Status: 400, Message: "State is not queued"}}
		}
		g, _ := one(onState(func(context.Context) error { return nil }))
		w := b.workerOn(sm, nil, g.Nodes())
		b.wait(b.trigger(g))
		w.stopped()
		if s := w.Stats(); s.Reported != 0 || s.ReportErrors != 1 {
			t.Errorf("%+v", s)
		}
	},
}
