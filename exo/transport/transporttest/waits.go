package transporttest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// long is a wait that would not end within a test.
const long = time.Minute

// within wants a call to take so long at least, and to end well before long. Some
// time after it has begun, meanwhile is called beside it.
func (w *world) within(least time.Duration, call, meanwhile func()) {
	w.t.Helper()
	start := time.Now()
	var beside sync.WaitGroup
	defer beside.Wait()
	if meanwhile != nil {
		beside.Go(func() {
			time.Sleep(unit)
			meanwhile()
		})
	}
	call()
	if took := time.Since(start); took < least || took > long/2 {
		w.t.Errorf("took %v, want %v to %v", took, least, long/2)
	}
}

// waitRules is §13, wait.
func waitRules() []rule {
	wait := func(nodes ...string) transport.ClaimRequest {
		return transport.ClaimRequest{Nodes: nodes, Max: 2, Wait: long}
	}
	begin := func(w *world) {
		w.t.Helper()
		w.needs(transport.ExtensionWait)
		w.needsOwnTime()
		w.serve("A", "B")
		w.valid("graph", w.spec(step("A", "v", "b"), step("B", "v")))
	}
	trigger := func(w *world) {
		if _, err := w.tr.Trigger(w.ctx(), "graph", transport.TriggerSpec{}); err != nil {
			w.t.Error(err)
		}
	}
	finish := func(w *world, s transport.Claimed) {
		if err := w.tell(s, executed("x")); err != nil {
			w.t.Error(err)
		}
	}
	return []rule{
		{name: "§13 wait: until a state is made", run: func(w *world) {
			begin(w)
			w.within(unit, func() {
				if states := w.ask(wait("B", "A")); len(states) != 1 || states[0].Node != "A" {
					w.t.Errorf("claimed %+v", states)
				}
			}, func() { trigger(w) })
		}},
		{name: "§13 wait: until a state is made by a report", run: func(w *world) {
			begin(w)
			trigger(w)
			s := w.one("A")
			w.within(unit, func() { w.equal("claimed", len(w.ask(wait("B"))), 1) }, func() { finish(w, s) })
		}},
		{name: "§13 wait: until a state is due", run: func(w *world) {
			begin(w)
			w.within(2*unit, func() {
				w.trigger(transport.TriggerSpec{StartDelay: 2 * unit})
				w.equal("claimed", len(w.ask(wait("A"))), 1)
			}, nil)
		}},
		{name: "§13 wait: not at all, if a state is there", run: func(w *world) {
			begin(w)
			trigger(w)
			w.within(0, func() { w.equal("claimed", len(w.ask(wait("A"))), 1) }, nil)
		}},
		{name: "§13 wait: so long and no longer", run: func(w *world) {
			begin(w)
			trigger(w) // of no interest to who waits
			w.within(unit, func() {
				w.equal("claimed", len(w.ask(transport.ClaimRequest{Nodes: []string{"B"}, Max: 1, Wait: unit})), 0)
			}, nil)
		}},
		{name: "§13 wait: until it is stopped", run: func(w *world) {
			begin(w)
			stop := make(chan struct{})
			req := wait("A")
			req.Stop = stop
			w.within(unit, func() { w.equal("claimed", len(w.ask(req)), 0) }, func() { close(stop) })
			trigger(w)
			w.equal("claimed, stopped before", len(w.ask(req)), 1) // a claim that stops takes the states at hand
			w.within(0, func() { w.equal("claimed, stopped before", len(w.ask(req)), 0) }, nil)
		}},
		{name: "§13 wait: each state wakes one of those who wait", run: func(w *world) {
			begin(w)
			var mu sync.Mutex
			seen := make(map[string]bool)
			w.within(unit, func() {
				var callers sync.WaitGroup
				for range 3 {
					callers.Go(func() {
						states, err := w.tr.Claim(w.ctx(), transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: long})
						if err != nil || len(states) != 1 {
							w.t.Errorf("claimed %v, %v", states, err)
							return
						}
						mu.Lock()
						defer mu.Unlock()
						seen[states[0].ID] = true
					})
				}
				callers.Wait()
			}, func() {
				for range 3 {
					trigger(w)
				}
			})
			w.equal("states", len(seen), 3)
		}},
		{name: "§13 wait: ends with its context", run: func(w *world) {
			begin(w)
			ctx, cancel := context.WithCancel(w.ctx())
			defer cancel()
			w.within(unit, func() {
				if _, err := w.tr.Claim(ctx, wait("A")); !errors.Is(err, context.Canceled) {
					w.t.Errorf("%v, want %v", err, context.Canceled)
				}
			}, cancel)
		}},
		{name: "§13 run: waits until it is terminal", run: func(w *world) {
			w.needs(transport.ExtensionRun)
			w.needsOwnTime()
			reader := ability[transport.RunReader](w)
			w.serve("A")
			runID := w.begin(step("A", "v"))
			s := w.one("A")
			read := func(wait time.Duration, want transport.RunStatus, wantStates int) func() {
				return func() {
					info, states, err := reader.Run(w.ctx(), runID, wait)
					w.ok(err)
					w.equal("status", info.Status, want)
					w.equal("states", len(states), wantStates)
				}
			}
			w.within(0, read(0, transport.RunPending, 1), nil)
			w.within(unit, read(unit, transport.RunPending, 0), nil) // states are for the end
			w.within(unit, read(long, transport.RunSuccess, 1), func() { finish(w, s) })
			w.within(0, read(long, transport.RunSuccess, 1), nil) // it is terminal already
		}},
	}
}
