package statemanager_test

import (
	"net/http"
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

var asReference = statemanager.Options{Rules: statemanager.Rules{AsReference: true}}

// What the reference server was seen to do with three branches under a join.
func TestReferenceJoins(t *testing.T) {
	t.Parallel()
	ok, fail, prune := transport.Outcome(outputs("x")), transport.Outcome(transport.Errored{Message: "no"}), transport.Outcome(transport.Pruned{})
	for _, c := range []struct {
		name     string
		strategy transport.UniteStrategy
		outcomes []transport.Outcome
		joins    bool
		status   transport.RunStatus // at the end
	}{
		{"ok,ok,ok", allSuccess, []transport.Outcome{ok, ok, ok}, true, transport.RunSuccess},
		{"ok,fail,ok", allSuccess, []transport.Outcome{ok, fail, ok}, false, transport.RunFailed},
		{"ok,ok,fail", allSuccess, []transport.Outcome{ok, ok, fail}, false, transport.RunFailed},
		{"ok,ok,prune", allSuccess, []transport.Outcome{ok, ok, prune}, false, transport.RunSuccess},
		{"prune,ok,ok", allSuccess, []transport.Outcome{prune, ok, ok}, false, transport.RunSuccess},
		{"fail,fail,fail", allSuccess, []transport.Outcome{fail, fail, fail}, false, transport.RunFailed},
		{"ok,ok,ok", allDone, []transport.Outcome{ok, ok, ok}, true, transport.RunSuccess},
		{"ok,fail,ok", allDone, []transport.Outcome{ok, fail, ok}, true, transport.RunFailed},
		{"ok,ok,fail", allDone, []transport.Outcome{ok, ok, fail}, false, transport.RunFailed},
		{"ok,ok,prune", allDone, []transport.Outcome{ok, ok, prune}, false, transport.RunSuccess},
		{"prune,ok,ok", allDone, []transport.Outcome{prune, ok, ok}, true, transport.RunSuccess},
		{"fail,fail,fail", allDone, []transport.Outcome{fail, fail, fail}, false, transport.RunFailed},
	} {
		t.Run(c.name+" "+string(c.strategy), func(t *testing.T) {
			t.Parallel()
			b, run := fanned(t, asReference, c.strategy)
			for _, o := range c.outcomes {
				b.do("work", o)
			}
			if c.joins {
				b.do("join", ok)
			}
			b.idle()
			b.wantStatus(run, c.status)
		})
	}
}

// A branch that ends in a leaf does not look at the join.
func TestReferenceMissesJoinAfterLeaf(t *testing.T) {
	t.Parallel()
	b := newBed(t, asReference)
	b.steps(step("root", "a", "b"), step("a", "join"), step("b", "leaf"), step("leaf"), unite(step("join"), "root", allSuccess))
	run := b.run()
	for _, id := range []string{"root", "a", "b", "leaf"} {
		b.do(id, outputs("x"))
	}
	b.idle()
	b.wantStatus(run, transport.RunSuccess)
}

// Of two joins on one anchor the second is lost, unless it comes after the first.
func TestReferenceTwoJoins(t *testing.T) {
	t.Parallel()
	b := newBed(t, asReference)
	b.steps(step("root", "work"), step("work", "one", "two"), unite(step("one"), "root", allSuccess), unite(step("two"), "root", allDone))
	run := b.run()
	b.do("root", outputs("x"))
	b.do("work", outputs("x"))
	b.do("one", outputs("x"))
	b.idle()
	b.wantStatus(run, transport.RunSuccess)

	b.steps(step("root", "one"), unite(step("one", "two"), "root", allSuccess), unite(step("two"), "root", allSuccess))
	run = b.run()
	for _, id := range []string{"root", "one", "two"} {
		b.do(id, outputs("x"))
	}
	b.wantStatus(run, transport.RunSuccess)
}

func TestReferenceJoinOnTheFanOutItself(t *testing.T) {
	t.Parallel()
	b := newBed(t, asReference)
	b.steps(step("split", "work"), step("work", "join"), unite(step("join"), "split", allSuccess))
	run := b.run()
	b.do("split", outputs("0", "1"))
	b.do("work", outputs("x"))
	b.do("work", outputs("x"))
	b.do("join", outputs("x"))
	b.do("join", outputs("x"))
	b.wantStatus(run, transport.RunSuccess)
}

func TestReferenceCannotCollect(t *testing.T) {
	t.Parallel()
	b := newBed(t, asReference)
	_, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{Nodes: []transport.Placement{
		step("r", "s"), step("s", "u"), with(unite(step("u"), "r", allSuccess), "${{ s.outputs.o }}"),
	}})
	wantError(t, err, http.StatusBadRequest,
		"Error validating graph template: Input ${{ s.outputs.o }} depends on s but s is not a parent of u")
}

// A join of the reference whose inputs cannot be made leaves nothing pending.
func TestReferenceJoinWithoutInputs(t *testing.T) {
	t.Parallel()
	b := newBed(t, asReference)
	b.steps(step("root", "work"), step("work", "join"), with(unite(step("join"), "root", allSuccess), "${{ root.outputs.o }}"))
	run := b.run()
	b.do("root", transport.Executed{})
	b.do("work", outputs("x"))
	b.wantStory(run, "root:SUCCESS work:SUCCESS join:ERRORED")
	b.wantStatus(run, transport.RunFailed)
	if err := statemanager.Check(b.Engine); err != nil {
		t.Error(err)
	}
}
