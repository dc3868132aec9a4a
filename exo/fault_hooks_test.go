package exo_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/faults"
	"go.uber.org/zap"
)

// A badBackoff does something in place of each of its methods.
type badBackoff struct{ do func() }

func (b badBackoff) NextBackOff() time.Duration { b.do(); return time.Second }
func (b badBackoff) Reset()                     { b.do() }

// whole is what a transport of exo/local can do.
type whole interface {
	transport.Transport
	transport.Heartbeater
}

// A panicking transport panics in its first calls of each kind.
type panicking struct {
	whole
	mu   sync.Mutex
	left map[string]int // by method
}

func (s *panicking) Namespace(string) transport.Transport { return s }

func (s *panicking) panics(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left[method]--; s.left[method] >= 0 {
		panic("in " + method)
	}
}

func (s *panicking) Register(ctx context.Context, runtime string, nodes []transport.NodeSpec) error {
	s.panics("Register")
	return s.whole.Register(ctx, runtime, nodes)
}

func (s *panicking) Claim(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
	s.panics("Claim")
	return s.whole.Claim(ctx, req)
}

func (s *panicking) Report(ctx context.Context, rs []transport.Report) []error {
	s.panics("Report")
	return s.whole.Report(ctx, rs)
}

func (s *panicking) Heartbeat(ctx context.Context, leases map[string]string, lease time.Duration) ([]string, error) {
	s.panics("Heartbeat")
	return s.whole.Heartbeat(ctx, leases, lease)
}

func (s *panicking) ReportBatch() int {
	s.panics("ReportBatch")
	return 1000
}

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
		if n := w.logged("user code panicked; further panics of this kind are only counted"); n != 5 {
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
		const calls = 5 // of each kind
		sm := &panicking{whole: b.sm.Namespace(namespace).(whole), left: map[string]int{"Register": calls, "Claim": calls, "Report": calls, "Heartbeat": calls, "ReportBatch": calls}}
		g, _ := one(onState(func(context.Context) error { time.Sleep(time.Minute); return nil }))
		rt, err := exo.NewRuntime(namespace, "worker", g.Nodes(), exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- rt.Run(t.Context()) }()
		r := b.trigger(g)
		b.wait(r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
		if err := rt.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		for call, n := range sm.left {
			if n > 0 {
				t.Errorf("%s did not panic", call)
			}
		}
		if s := rt.Stats(); s.HookPanics != 5*calls {
			t.Errorf("%+v", s)
		}
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
	"by a limit, which is no sign of a restart": func(t *testing.T, b *bubble) {
		for _, test := range []struct {
			err       *transport.Error
			registers int
		}{
			{&transport.Error{Op: "claim", Status: 429}, 1},
			{&transport.Error{Op: "claim", Status: 503, RetryAfter: time.Second}, 1},
			{&transport.Error{Op: "claim", Status: 503}, 2}, // perhaps a proxy's, for a state manager that restarts
			{&transport.Error{Op: "claim", Status: 500}, 2},
		} {
			sm := &tampered{Transport: b.sm.Namespace(namespace)}
			var claims atomic.Int64
			sm.claim = func(ctx context.Context, req transport.ClaimRequest, next func(context.Context, transport.ClaimRequest) ([]transport.Claimed, error)) ([]transport.Claimed, error) {
				if claims.Add(1) == 1 {
					return nil, test.err
				}
				return next(ctx, req)
			}
			g, _ := one(onState(func(context.Context) error { return nil }))
			w := b.workerOn(sm, nil, g.Nodes())
			w.finish(b, b.trigger(g))
			if n := w.link.Calls(faults.Register); n != test.registers {
				t.Errorf("%v: %d registrations, want %d", test.err, n, test.registers)
			}
		}
	},
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
