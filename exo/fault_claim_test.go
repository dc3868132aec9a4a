package exo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/faults"
)

var stateManagerAway = map[string]func(*testing.T, *bubble){
	"from the start": func(_ *testing.T, b *bubble) {
		g, _ := one(echo)
		w := b.worker(faults.First(faults.Register, 20, faults.Fault{Kind: faults.DropBefore}), g.Nodes())
		w.finish(b, b.trigger(g))
	},
	"for a while, under load": func(t *testing.T, b *bubble) {
		const states = 300
		var calls atomic.Int64
		g, _ := many(states, onState(func(context.Context) error { calls.Add(1); time.Sleep(time.Second); return nil }))
		w := b.worker(nil, g.Nodes(), exo.WithLease(time.Hour), exo.WithWorkers(10))
		r := b.trigger(g)
		time.Sleep(5500 * time.Millisecond)
		w.link.Cut()
		claims := w.link.Calls(faults.Claim)
		time.Sleep(10 * time.Minute)
		if n := w.link.Calls(faults.Claim) - claims; n > 120 { // full jitter around 15 seconds
			t.Errorf("%d claims in ten minutes of a state manager that is away", n)
		}
		if s := w.Stats(); s.Unreported != 10 || w.probe("ready") != 503 || w.probe("live") != 200 {
			t.Errorf("%d outcomes kept, ready %d, live %d", s.Unreported, w.probe("ready"), w.probe("live"))
		}
		w.link.Mend()
		w.finish(b, r)
		// No node was executed again for it.
		executed(t, &calls, states)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 2 * states})
	},
	"restarted empty while idle": func(t *testing.T, b *bubble) {
		g, _ := one(echo)
		s := newServer(b.sm)
		sm, _ := s.http(nil)
		w := b.workerOn(sm, nil, g.Nodes())
		r := b.trigger(g)
		b.wait(r)
		settle() // a claim is under way, which gets no answer
		w.link.Cut()
		next := local.New()
		defer func() { _ = next.Close() }()
		s.replace(next)
		w.link.Mend()
		(&bubble{t: t, sm: next}).finishOn(w, g)
	},
	"restarted empty while all workers are busy": func(t *testing.T, b *bubble) {
		release := make(chan struct{})
		busy := onState(func(context.Context) error { <-release; return nil })
		g, _ := one(busy)
		s := newServer(b.sm)
		sm, _ := s.http(nil)
		w := b.workerOn(sm, nil, g.Nodes(), exo.WithWorkers(1), exo.WithLease(0))
		b.trigger(g)
		time.Sleep(10 * time.Second)
		next := local.New()
		defer func() { _ = next.Close() }()
		s.replace(next) // no call failed for it
		close(release)
		(&bubble{t: t, sm: next}).finishOn(w, g)
	},
	"restarted empty, and slow to take the nodes": func(t *testing.T, b *bubble) {
		g, _ := one(echo)
		s := newServer(b.sm)
		sm, rt := s.http(nil)
		w := b.workerOn(sm, nil, g.Nodes())
		b.wait(b.trigger(g))
		next := local.New()
		defer func() { _ = next.Close() }()
		s.replace(next)
		// One claim fails, then registrations do while claims succeed.
		claims, registers := rt.Calls(faults.Claim), rt.Calls(faults.Register)
		rt.SetPlan(faults.Any(
			faults.On(faults.Claim, faults.Fault{Kind: faults.DropAfter}, claims+1),
			faults.On(faults.Register, faults.Fault{Kind: faults.Refuse, Status: 500}, registers+1, registers+2, registers+3)))
		(&bubble{t: t, sm: next}).finishOn(w, g)
	},
}

// finishOn runs a graph on a state manager that the worker is to find.
func (b *bubble) finishOn(w *worker, g *exo.Graph) {
	b.t.Helper()
	began := time.Now()
	w.finish(b, b.trigger(g))
	if took := time.Since(began); took > 2*time.Minute {
		b.t.Errorf("the nodes were registered again after %v", took)
	}
}

var slowAnswers = map[string]func(*testing.T, *bubble){
	"to a report: other workers run on, and the attempt ends": func(t *testing.T, b *bubble) {
		const states = 100
		g, _ := many(states, onState(func(context.Context) error { time.Sleep(time.Second); return nil }))
		// One report hangs for ever.
		w := b.worker(faults.On(faults.Report, faults.Fault{Late: 100 * time.Hour}, 5), g.Nodes(), exo.WithWorkers(10))
		r := b.trigger(g)
		began := time.Now()
		time.Sleep(15 * time.Second)
		if s := w.Stats(); s.Reported < states/2 {
			t.Errorf("%d outcomes reported beside the slow one", s.Reported)
		}
		w.finish(b, r)
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("took %v", took)
		}
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 2 * states})
	},
	"to all reports": func(t *testing.T, b *bubble) {
		const states = 400
		g, _ := many(states, onState(func(context.Context) error { time.Sleep(time.Second); return nil }))
		var now, most atomic.Int64
		slow := &tampered{Transport: b.sm.Namespace(namespace)}
		slow.report = func(ctx context.Context, rs []transport.Report, next func(context.Context, []transport.Report) []error) []error {
			raise(&most, now.Add(1))
			defer now.Add(-1)
			time.Sleep(10 * time.Second)
			return next(ctx, rs)
		}
		w := b.workerOn(slow, nil, g.Nodes(), exo.WithWorkers(20), exo.WithBatchSize(1))
		r := b.trigger(g)
		began := time.Now()
		w.finish(b, r)
		if most.Load() > 16 {
			t.Errorf("%d calls at once", most.Load())
		}
		if took := time.Since(began); took > 60*time.Second {
			t.Errorf("took %v, as if each waited for the last", took)
		}
	},
	"to a claim: what is executing goes on": func(t *testing.T, b *bubble) {
		g, _ := many(8, onState(func(context.Context) error { time.Sleep(time.Second); return nil }))
		w := b.worker(faults.On(faults.Claim, faults.Fault{Late: 100 * time.Hour}, 3), g.Nodes(), exo.WithWorkers(4))
		r := b.trigger(g)
		time.Sleep(30 * time.Second)
		// The fan-out and as many of the others as there were idle workers for.
		if s := w.Stats(); s.Claims != 2 || s.Reported < 4 || s.Reported != s.Claimed {
			t.Errorf("stats %+v", s)
		}
		// The claim is given up, and what it took comes back with its lease.
		began := time.Now()
		w.finish(b, r)
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it is given up after %v", took)
		}
		if s := w.Stats(); s.ClaimErrors != 1 {
			t.Errorf("stats %+v", s)
		}
	},
	"to secrets": func(t *testing.T, b *bubble) {
		n := exo.Node("Call", func(context.Context, exo.None, key) (Text, error) { return Text{}, nil })
		g := exo.NewGraph("secret").Secrets(exo.Fields(key{"s3cr3t"}))
		exo.Add(g, "call", n, exo.None{})
		w := b.worker(faults.First(faults.Secrets, 2, faults.Fault{Delay: 100 * time.Hour}), g.Nodes())
		r := b.trigger(g)
		began := time.Now()
		w.finish(b, r)
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("took %v", took)
		}
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
	},
}

var bursts = map[string]func(*testing.T, *bubble){
	"there is one claim at a time, and ever fewer": func(t *testing.T, b *bubble) {
		var now atomic.Int64
		var refusing atomic.Bool
		watched := &tampered{Transport: b.sm.Namespace(namespace)}
		watched.claim = func(ctx context.Context, req transport.ClaimRequest, next func(context.Context, transport.ClaimRequest) ([]transport.Claimed, error)) ([]transport.Claimed, error) {
			if n := now.Add(1); n > 1 {
				t.Errorf("%d claims at once", n)
			}
			defer now.Add(-1)
			if refusing.Load() {
				return nil, &transport.Error{Op: "claim", Status: 500, Message: "no"}
			}
			return next(ctx, req)
		}
		g, _ := many(100, onState(func(context.Context) error { time.Sleep(time.Second); return nil }))
		w := b.workerOn(watched, nil, g.Nodes(), exo.WithWorkers(10))
		r := b.trigger(g)
		time.Sleep(3 * time.Second)
		refusing.Store(true)
		calls := w.link.Calls(faults.Claim)
		time.Sleep(10 * time.Minute)
		if n := w.link.Calls(faults.Claim) - calls; n < 20 || n > 120 {
			t.Errorf("%d claims in ten minutes", n)
		}
		refusing.Store(false)
		w.finish(b, r)
	},
	"Retry-After is kept by claims": func(t *testing.T, b *bubble) {
		var mu sync.Mutex
		var at []time.Time
		plan := func(op string, _ int) faults.Fault {
			if op != faults.Claim {
				return faults.Fault{}
			}
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			return faults.Fault{Kind: faults.Refuse, Status: 429, RetryAfter: 30 * time.Second}
		}
		w := b.worker(plan, exo.Nodes(echo))
		time.Sleep(10 * time.Minute)
		w.stopped()
		mu.Lock()
		defer mu.Unlock()
		if len(at) < 15 || len(at) > 20 {
			t.Errorf("%d claims in ten minutes", len(at))
		}
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < 30*time.Second {
				t.Errorf("claimed again after %v", gap)
			}
		}
	},
	"everything fails at times": func(t *testing.T, b *bubble) {
		for seed := range uint64(5) {
			plan := faults.Seeded(seed, faults.Rates{Kinds: map[faults.Kind]float64{faults.Refuse: 0.5}})
			g, _ := many(60, onState(func(context.Context) error { return nil }))
			w := b.worker(plan, g.Nodes(), exo.WithLease(time.Hour))
			r := b.trigger(g)
			if result := b.wait(r); result.Status != exo.RunSuccess || len(result.States) != 120 {
				t.Errorf("seed %d: %v", seed, result.Err())
			}
			w.link.SetPlan(nil)
			w.stopped()
		}
	},
}

var unauthorized = map[string]func(*testing.T, *bubble){
	"at registration Run returns the error": func(t *testing.T, b *bubble) {
		for _, status := range []int{401, 403} {
			w := b.worker(faults.On(faults.Register, faults.Fault{Kind: faults.Refuse, Status: status}), exo.Nodes(echo))
			err := <-w.done
			var e *transport.Error
			if !errors.As(err, &e) || e.Status != status || w.link.Calls(faults.Register) != 1 {
				t.Errorf("Run: %v after %d calls", err, w.link.Calls(faults.Register))
			}
			if w.probe("ready") != 503 || w.probe("live") != 503 {
				t.Error("healthy")
			}
		}
	},
	"later it slows down, says so once a minute, and goes on with the right key": func(t *testing.T, b *bubble) {
		var calls, failed atomic.Int64
		n := exo.Node("Call", func(context.Context, Text, key) (Text, error) {
			calls.Add(1)
			time.Sleep(time.Minute)
			return Text{}, nil
		})
		split := exo.FanOut("Split", func(context.Context, exo.None, exo.None) ([]Text, error) { return make([]Text, 20), nil })
		g := exo.NewGraph("secret").Secrets(exo.Fields(key{"s3cr3t"})).Retry(exo.NoRetry())
		s := exo.Add(g, "split", split, exo.None{})
		exo.Add(g, "call", n, s.Out, exo.After(s))
		w := b.worker(nil, g.Nodes(), exo.WithWorkers(4), exo.WithLease(3*time.Hour))
		r := b.trigger(g)
		time.Sleep(70 * time.Second) // between two rounds
		count := func(op string) int { return w.link.Calls(op) }
		before := map[string]int{}
		ops := []string{faults.Register, faults.Claim, faults.Report, faults.Secrets, faults.Heartbeat}
		for _, op := range ops {
			before[op] = count(op)
		}
		w.link.SetPlan(func(string, int) faults.Fault { failed.Add(1); return faults.Fault{Kind: faults.Refuse, Status: 401} })
		time.Sleep(time.Hour)
		if w.probe("ready") != 503 || w.probe("live") != 200 {
			t.Errorf("ready %d, live %d", w.probe("ready"), w.probe("live"))
		}
		if lines := w.logged("state manager rejects the API key"); lines < 50 || lines > 62 {
			t.Errorf("%d lines about the key in an hour", lines)
		}
		others := 0
		for _, l := range w.logs.All() {
			if strings.Contains(fmt.Sprint(l.ContextMap()), "nauthorized") && l.Message != "state manager rejects the API key" {
				others++
			}
		}
		if others > 0 {
			t.Errorf("%d other lines about it", others)
		}
		for _, op := range ops {
			// Reports of up to four outcomes apart, at most every ten seconds each.
			if n := count(op) - before[op]; n > 4*360 {
				t.Errorf("%d calls for %s in an hour", n, op)
			}
		}
		w.link.SetPlan(nil)
		w.finish(b, r)
		executed(t, &calls, 20)
		if failed.Load() == 0 {
			t.Error("nothing was refused")
		}
	},
}

var malformed = map[string]func(*testing.T, *bubble){
	"to every call, now and then": func(t *testing.T, b *bubble) {
		for kind, rate := range map[faults.Kind]float64{faults.Truncate: 0.3, faults.Garbage: 0.3, faults.HTML: 0.3, faults.Huge: 0.05} {
			var calls atomic.Int64
			g, _ := many(60, onState(func(context.Context) error { calls.Add(1); return nil }))
			g.Retry(retries(20))
			plan := faults.Seeded(uint64(kind), faults.Rates{Kinds: map[faults.Kind]float64{kind: rate}})
			sm, rt := newServer(b.sm).http(plan)
			w := b.workerOn(sm, nil, g.Nodes())
			r := b.trigger(g)
			result := b.wait(r)
			if result.Status != exo.RunSuccess {
				t.Errorf("%v: %v", kind, result.Err())
			}
			if calls.Load() < 60 {
				t.Errorf("%v: executed %d", kind, calls.Load())
			}
			rt.SetPlan(nil)
			w.stopped()
		}
	},
	"are shown in part": func(t *testing.T, b *bubble) {
		for _, kind := range []faults.Kind{faults.Truncate, faults.Garbage, faults.HTML, faults.Huge} {
			sm, _ := newServer(b.sm).http(faults.On(faults.Claim, faults.Fault{Kind: kind}))
			w := b.workerOn(sm, nil, exo.Nodes(echo))
			time.Sleep(21 * time.Second) // the first claim waits for work
			if text := w.Stats().LastClaimError; text == "" || len(text) > 1<<10+100 {
				t.Errorf("%v: error of %d bytes: %s", kind, len(text), text)
			}
			w.stopped()
		}
	},
	// An answer of more than 16 MiB is not read; that of a smaller batch is smaller.
	"answers too large are asked for in smaller batches": func(t *testing.T, b *bubble) {
		var asked []int
		bounded := &tampered{Transport: b.sm.Namespace(namespace)}
		bounded.claim = func(ctx context.Context, req transport.ClaimRequest, next func(context.Context, transport.ClaimRequest) ([]transport.Claimed, error)) ([]transport.Claimed, error) {
			asked = append(asked, req.Max)
			if req.Max > 10 {
				return nil, &transport.Error{Op: "claim", Status: http.StatusRequestEntityTooLarge, Message: "huge", Err: transport.ErrAnswerTooLarge}
			}
			return next(ctx, req)
		}
		g, _ := many(100, onState(func(context.Context) error { time.Sleep(time.Second); return nil }))
		w := b.workerOn(bounded, nil, g.Nodes(), exo.WithWorkers(32), exo.WithBatchSize(32))
		r := b.trigger(g)
		w.finish(b, r)
		if s := w.Stats(); s.ClaimErrors < 2 || s.ClaimErrors > 8 {
			t.Errorf("asked for %v", asked)
		}
	},
}

var moreThanAsked = map[string]func(*testing.T, *bubble){
	"are put back": func(t *testing.T, b *bubble) {
		const workers = 3
		var now atomic.Int64
		generous := &tampered{Transport: b.sm.Namespace(namespace)}
		generous.claim = func(ctx context.Context, req transport.ClaimRequest, next func(context.Context, transport.ClaimRequest) ([]transport.Claimed, error)) ([]transport.Claimed, error) {
			req.Max *= 4
			return next(ctx, req)
		}
		g, _ := many(40, onState(func(context.Context) error {
			if n := now.Add(1); n > workers {
				t.Errorf("%d at once", n)
			}
			defer now.Add(-1)
			time.Sleep(time.Second)
			return nil
		}))
		w := b.workerOn(generous, nil, g.Nodes(), exo.WithWorkers(workers))
		r := b.trigger(g)
		w.finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 80})
		s := w.Stats()
		if s.Returned == 0 || s.Claimed != s.Returned+s.Executed || s.Reported != s.Claimed {
			t.Errorf("stats %+v", s)
		}
	},
}

var unknownNode = map[string]func(*testing.T, *bubble){
	"is put back, said once, never executed and never dropped": func(t *testing.T, b *bubble) {
		strange := exo.Node("Strange", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil })
		g := exo.NewGraph("g")
		exo.Add(g, "strange", strange, Text{})
		greedy := &tampered{Transport: b.sm.Namespace(namespace)}
		greedy.claim = func(ctx context.Context, req transport.ClaimRequest, next func(context.Context, transport.ClaimRequest) ([]transport.Claimed, error)) ([]transport.Claimed, error) {
			req.Nodes = append([]string{"Strange"}, req.Nodes...)
			return next(ctx, req)
		}
		w := b.workerOn(greedy, nil, exo.Nodes(echo))
		if err := b.sm.Namespace(namespace).Register(t.Context(), "other", []transport.NodeSpec{strange.Spec()}); err != nil {
			t.Fatal(err)
		}
		r := b.trigger(g)
		time.Sleep(time.Minute)
		s := w.Stats()
		if s.Returned < 30 || s.Returned > 61 || s.Executed != 0 || s.Claimed != s.Returned {
			t.Errorf("stats %+v", s)
		}
		if w.logged("claimed a state of a node that is not served here; requeueing it") != 1 {
			t.Error("not said once")
		}
		w.stopped()
		b.worker(nil, exo.Nodes(strange)).finish(b, r)
		b.expect(r, map[exo.Status]int{transport.StatusSuccess: 1})
	},
}

var limitedNodes = map[string]func(*testing.T, *bubble){
	// The claim that waits does not ask for Limited, which has no free slot. The
	// slot comes free while it waits.
	"a slot that comes free ends the wait of a claim without its node": func(t *testing.T, b *bubble) {
		limited := exo.Node("Limited", func(_ context.Context, in Text, _ exo.None) (Text, error) {
			time.Sleep(time.Second)
			return in, nil
		}, exo.WithConcurrency(1))
		for name, sm := range b.links() {
			g := exo.NewGraph("limited")
			split := exo.FanOut("Split", func(context.Context, exo.None, exo.None) ([]Text, error) { return make([]Text, 10), nil })
			s := exo.Add(g, "split", split, exo.None{})
			exo.Add(g, "limited", limited, s.Out, exo.After(s))
			w := b.workerOn(sm, nil, append(g.Nodes(), echo))
			r := b.trigger(g)
			began := time.Now()
			w.finish(b, r)
			if took := time.Since(began); took > 11*time.Second {
				t.Errorf("%s: ten seconds of work took %v", name, took)
			}
		}
	},
	"several of them have all of their slots used": func(t *testing.T, b *bubble) {
		var most [3]atomic.Int64
		var now [3]atomic.Int64
		limits := [3]int{5, 2, 1}
		g := exo.NewGraph("limited")
		split := exo.FanOut("Split", func(context.Context, exo.None, exo.None) ([]Text, error) { return make([]Text, 20), nil })
		s := exo.Add(g, "split", split, exo.None{})
		for i, limit := range limits {
			n := exo.Node(fmt.Sprint("Limited", limit), func(_ context.Context, in Text, _ exo.None) (Text, error) {
				raise(&most[i], now[i].Add(1))
				defer now[i].Add(-1)
				time.Sleep(time.Second)
				return in, nil
			}, exo.WithConcurrency(limit))
			exo.Add(g, fmt.Sprint("limited", limit), n, s.Out, exo.After(s))
		}
		w := b.worker(nil, g.Nodes())
		r := b.trigger(g)
		began := time.Now()
		w.finish(b, r)
		// The one with a single slot has the most to do: twenty seconds.
		if took := time.Since(began); took > 22*time.Second {
			t.Errorf("took %v", took)
		}
		for i, limit := range limits {
			if got := most[i].Load(); got != int64(limit) {
				t.Errorf("%d at once of the node limited to %d", got, limit)
			}
		}
	},
	"one that has nothing to do does not keep claims small": func(t *testing.T, b *bubble) {
		idle := exo.Node("Idle", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil }, exo.WithConcurrency(1))
		g, _ := many(30, onState(func(context.Context) error { time.Sleep(time.Minute); return nil }))
		w := b.worker(faults.On(faults.Claim, faults.Fault{Delay: 100 * time.Millisecond}), append(g.Nodes(), idle), exo.WithWorkers(30))
		r := b.trigger(g)
		time.Sleep(1500 * time.Millisecond)
		if got := w.Stats().Executing; got != 30 {
			t.Errorf("%d states are executing after some claims of a tenth of a second", got)
		}
		w.finish(b, r)
	},
	"nodes without a limit do not wait behind one with": func(t *testing.T, b *bubble) {
		var plainly atomic.Int64
		limited := exo.Node("Limited", func(_ context.Context, in Text, _ exo.None) (Text, error) {
			time.Sleep(time.Minute)
			return in, nil
		}, exo.WithConcurrency(1))
		plain := exo.Node("Plain", func(_ context.Context, in Text, _ exo.None) (Text, error) {
			plainly.Add(1)
			time.Sleep(time.Second)
			return in, nil
		})
		g := exo.NewGraph("both")
		split := exo.FanOut("Split", func(context.Context, exo.None, exo.None) ([]Text, error) { return make([]Text, 30), nil })
		s := exo.Add(g, "split", split, exo.None{})
		exo.Add(g, "limited", limited, s.Out, exo.After(s))
		exo.Add(g, "plain", plain, s.Out, exo.After(s))
		w := b.worker(nil, g.Nodes(), exo.WithWorkers(11))
		r := b.trigger(g)
		time.Sleep(4 * time.Second)
		if got := plainly.Load(); got != 30 {
			t.Errorf("%d states of the plain node in four seconds of ten workers", got)
		}
		w.finish(b, r)
	},
}

// links are ways to the bubble's state manager.
func (b *bubble) links() map[string]transport.Provider {
	overHTTP, _ := newServer(b.sm).http(nil)
	return map[string]transport.Provider{"in this process": b.sm, "over HTTP": overHTTP}
}
