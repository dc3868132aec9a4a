package transporttest

import (
	"github.com/exospherehost/exo-go/exo/transport"
)

// fan runs root and split, which fans out to works, and gives these by their
// input. The join unites the root.
func (w *world) fan(g transport.GraphSpec, outputs ...string) (runID string, root transport.Claimed, works []transport.Claimed) {
	w.t.Helper()
	w.serve("Root", "Split", "Work", "Join", "Other", "Leaf", "Last")
	w.valid("graph", g)
	runID = w.trigger(transport.TriggerSpec{Inputs: map[string]string{"in": "r"}})
	root = w.do("Root", "R")
	w.do("Split", outputs...)
	return runID, root, w.claim(len(outputs), "Work")
}

// fanned is the graph of fan, with more steps.
func (w *world) fanned(strategy transport.UniteStrategy, more ...transport.Placement) transport.GraphSpec {
	return w.spec(append([]transport.Placement{
		step("Root", "v", "split"),
		step("Split", "${{ root.outputs.out }}", "work"),
		step("Work", "${{ split.outputs.out }}", "join"),
		join("Join", "joined ${{ root.outputs.out }}", "root", strategy),
	}, more...)...)
}

func (w *world) finish(states ...transport.Claimed) {
	w.t.Helper()
	for _, s := range states {
		w.end(s, executed("x"))
	}
}

// strategies are what a join may wait for.
var strategies = []transport.UniteStrategy{transport.AllSuccess, transport.AllDone}

// joinRules is §9.
func joinRules() []rule {
	var all []rule
	for _, strategy := range strategies {
		name := "§9 " + string(strategy)
		all = append(all, []rule{
			{name: name + ": runs once, when every branch has succeeded, from its anchor", run: func(w *world) {
				runID, root, works := w.fan(w.fanned(strategy), "1", "2", "3")
				for _, s := range works {
					w.none("Join")
					w.comesTo(runID, transport.RunPending)
					w.finish(s)
				}
				w.stands(runID, "root SUCCESS", "split SUCCESS*3", "work SUCCESS*3", "join CREATED")
				w.comesTo(runID, transport.RunPending)
				s := w.do("Join", "x")
				if got := input(s); got != "joined R" {
					w.t.Errorf("the join reads %q", got)
				}
				w.equal("parents", w.detail(runID, s.ID).Parents, transport.Parents{{Identifier: "root", StateID: root.ID}})
				w.none("Join")
				w.comesTo(runID, transport.RunSuccess)
			}},
			{name: name + ": waits for a branch that is retried", run: func(w *world) {
				g := w.fanned(strategy)
				g.Retry = &transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: unit, Exponent: 1}
				runID, _, works := w.fan(g, "1", "2")
				w.fail(works[0])
				w.finish(works[1])
				w.none("Join")
				w.until(unit)
				w.do("Work", "x")
				w.do("Join", "x")
				w.stands(runID, "root SUCCESS", "split SUCCESS*2", "work SUCCESS*2", "work RETRY_CREATED", "join SUCCESS")
				w.comesTo(runID, transport.RunSuccess)
			}},
			{name: name + ": waits for a requeued branch", run: func(w *world) {
				_, _, works := w.fan(w.fanned(strategy), "1", "2")
				w.end(works[0], transport.Requeued{After: unit})
				w.finish(works[1])
				w.none("Join")
				w.until(unit)
				w.do("Work", "x")
				w.do("Join", "x")
			}},
			{name: name + ": waits for the whole of a branch", run: func(w *world) {
				g := w.fanned(strategy, step("Leaf", "v", "last"), step("Last", "v", "join"))
				g.Nodes[2].Next = []string{"leaf"}
				_, _, works := w.fan(g, "1", "2")
				w.finish(works...)
				leaves := w.claim(2, "Leaf")
				w.finish(leaves[0])
				w.do("Last", "x")
				w.none("Join")
				w.finish(leaves[1])
				w.none("Join")
				w.do("Last", "x")
				w.do("Join", "x")
			}},
			{name: name + ": once for each state of the anchor", run: func(w *world) {
				w.serve("Root", "Split", "Work", "Join")
				runID := w.begin(
					step("Root", "v", "split"), step("Split", "${{ root.outputs.out }}", "work"), step("Work", "${{ split.outputs.out }}", "join"),
					join("Join", "${{ root.outputs.out }}", "split", strategy),
				)
				w.do("Root", "x", "y") // two of split, each the anchor of a join
				for _, s := range w.claim(2, "Split") {
					w.end(s, executed(input(s)))
				}
				works := w.claim(2, "Work")
				w.finish(works[0])
				first := w.do("Join", "x")
				w.none("Join")
				w.finish(works[1])
				second := w.do("Join", "x")
				w.equal("inputs", []string{input(first), input(second)}, []string{"x", "y"})
				w.comesTo(runID, transport.RunSuccess)
			}},
			{name: name + ": one within another", run: func(w *world) {
				w.serve("Root", "Split", "Mid", "Sub", "Work", "Inner", "Outer")
				runID := w.begin(
					step("Root", "v", "split"), step("Split", "v", "mid"), step("Mid", "${{ split.outputs.out }}", "sub"),
					step("Sub", "v", "work"), step("Work", "v", "inner"),
					join("Inner", "${{ mid.outputs.out }}", "mid", strategy, "outer"), join("Outer", "${{ root.outputs.out }}", "root", strategy),
				)
				w.do("Root", "R")
				w.do("Split", "1", "2")
				for _, s := range w.claim(2, "Mid") {
					w.end(s, executed(input(s)))
					w.do("Sub", "a", "b")
					w.finish(w.claim(2, "Work")...)
					w.none("Outer")
					w.do("Inner", "x")
				}
				if got := input(w.do("Outer", "x")); got != "R" {
					w.t.Errorf("the outer join reads %q", got)
				}
				w.stands(runID, "root SUCCESS", "split SUCCESS*2", "mid SUCCESS*2", "sub SUCCESS*4", "work SUCCESS*4", "inner SUCCESS*2", "outer SUCCESS")
				w.comesTo(runID, transport.RunSuccess)
			}},
			{name: name + ": a step after it", run: func(w *world) {
				g := w.fanned(strategy, step("Last", "${{ root.outputs.out }}"))
				g.Nodes[3].Next = []string{"last"}
				runID, root, works := w.fan(g, "1")
				w.finish(works...)
				s := w.do("Join", "x")
				last := w.do("Last", "x")
				w.equal("parents", w.detail(runID, last.ID).Parents, transport.Parents{
					{Identifier: "root", StateID: root.ID}, {Identifier: "join", StateID: s.ID},
				})
				w.comesTo(runID, transport.RunSuccess)
			}},
		}...)
	}
	return append(all, []rule{
		{name: "§9 ALL_SUCCESS: does not run if a branch has failed", run: func(w *world) {
			runID, _, works := w.fan(w.fanned(transport.AllSuccess), "1", "2", "3")
			w.finish(works[0])
			w.fail(works[1])
			w.finish(works[2])
			w.none("Join")
			w.stands(runID, "root SUCCESS", "split SUCCESS*3", "work SUCCESS*2", "work ERRORED")
			w.comesTo(runID, transport.RunFailed)
		}},
		{name: "§9 ALL_SUCCESS: runs after a manual retry of the branch succeeds", run: func(w *world) {
			runID, _, works := w.fan(w.fanned(transport.AllSuccess), "1", "2")
			w.finish(works[0])
			w.fail(works[1])
			_, err := w.tr.Retry(w.ctx(), works[1].ID, "by hand")
			w.ok(err)
			w.none("Join")
			w.comesTo(runID, transport.RunPending)
			w.do("Work", "x")
			w.do("Join", "x")
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§9 ALL_DONE: runs again after a manual retry of the branch succeeds", run: func(w *world) {
			g := w.fanned(transport.AllDone, step("Last", "v"))
			g.Nodes[3].Next = []string{"last"}
			runID, _, works := w.fan(g, "1", "2")
			w.finish(works[0])
			w.fail(works[1])
			w.do("Join", "x")
			w.fail(w.one("Last"))
			w.comesTo(runID, transport.RunFailed)
			_, err := w.tr.Retry(w.ctx(), works[1].ID, "by hand")
			w.ok(err)
			w.none("Join", "Last")
			w.stands(runID, "root SUCCESS", "split SUCCESS*2", "work SUCCESS", "work RETRY_CREATED", "work CREATED", "join RETRY_CREATED", "last RETRY_CREATED")
			w.do("Work", "x")
			w.do("Join", "x")
			w.do("Last", "x")
			w.stands(runID, "root SUCCESS", "split SUCCESS*2", "work SUCCESS*2", "work RETRY_CREATED",
				"join RETRY_CREATED", "join SUCCESS", "last RETRY_CREATED", "last SUCCESS")
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§9 ALL_DONE: a join that is to run again is no longer claimed", run: func(w *world) {
			_, _, works := w.fan(w.fanned(transport.AllDone), "1", "2")
			w.finish(works[0])
			w.fail(works[1])
			_, err := w.tr.Retry(w.ctx(), works[1].ID, "by hand")
			w.ok(err)
			w.none("Join")
			w.do("Work", "x")
			w.do("Join", "x")
			w.none("Join")
		}},
		{name: "§9 ALL_DONE: runs although a branch has failed", run: func(w *world) {
			runID, _, works := w.fan(w.fanned(transport.AllDone), "1", "2", "3")
			w.fail(works[0])
			w.finish(works[1])
			w.none("Join")
			w.finish(works[2])
			w.do("Join", "x")
			w.stands(runID, "root SUCCESS", "split SUCCESS*3", "work SUCCESS*2", "work ERRORED", "join SUCCESS")
			w.comesTo(runID, transport.RunFailed)
		}},
		{name: "§9 ALL_DONE: a next state that cannot be made is done", run: func(w *world) {
			g := w.fanned(transport.AllDone, step("Leaf", "${{ work.outputs.out }}", "join"))
			g.Nodes[2].Next = []string{"leaf"}
			_, _, works := w.fan(g, "1", "2")
			w.end(works[0], transport.Executed{}) // no leaf can be made of it
			w.finish(works[1])
			w.none("Join")
			w.do("Leaf", "x")
			w.do("Join", "x")
		}},
	}...)
}
