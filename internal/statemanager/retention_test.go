package statemanager_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func (b *bed) kept() (ids []string) {
	b.t.Helper()
	p, err := b.Runs("ns", 1, 1000)
	if err != nil {
		b.t.Fatalf("Runs: %v", err)
	}
	if p.Total != len(p.Runs) {
		b.t.Errorf("total is %d of %d runs", p.Total, len(p.Runs))
	}
	for _, r := range p.Runs {
		ids = append(ids, r.ID)
	}
	if err := statemanager.Check(b.Engine); err != nil {
		b.t.Errorf("engine: %v", err)
	}
	return ids
}

// Runs that came to rest first are dropped first; those under way never.
func TestKeepRuns(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{KeepRuns: 2})
	b.steps(step("a"))
	var runs []string
	var states []transport.Claimed
	for range 5 {
		runs = append(runs, b.run())
		states = append(states, b.claim("a"))
	}
	want := func(indexes ...int) {
		t.Helper()
		var ids []string
		for _, i := range indexes {
			ids = append(ids, runs[i])
		}
		if diff := cmp.Diff(ids, b.kept()); diff != "" {
			t.Errorf("runs that are kept (-want +got):\n%s", diff)
		}
	}
	b.report(states[3], outputs("x"))
	b.report(states[0], outputs("x"))
	want(4, 3, 2, 1, 0)
	b.report(states[1], transport.Errored{Permanent: true})
	want(4, 2, 1, 0)

	// A run that is woken counts anew when it is at rest again.
	b.again(states[0].ID, "x", true)
	want(4, 2, 1, 0)
	b.report(states[2], outputs("x"))
	want(4, 2, 1, 0)
	b.drain()
	want(4, 2, 0)
	b.report(states[4], outputs("x"))
	want(4, 0)

	// Every namespace has its own.
	if _, err := b.PutGraph(b.now, "other", "g", transport.GraphSpec{Nodes: []transport.Placement{step("a")}}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := b.Trigger(b.now, "other", "g", transport.TriggerSpec{}); err != nil {
			t.Fatal(err)
		}
	}
	b.drain()
	want(4, 0)
	if p, err := b.Runs("other", 1, 10); err != nil || p.Total != 2 {
		t.Errorf("the other namespace has %d runs, %v", p.Total, err)
	}

	// What is gone is unknown.
	_, _, err := b.Run("ns", runs[1])
	wantError(t, err, http.StatusNotFound, "Run "+runs[1]+" not found in namespace ns")
	_, err = b.tell(states[1], transport.Errored{})
	wantError(t, err, http.StatusNotFound, "State not found")
	_, err = b.StoreAll("ns", states[1].ID)
	wantError(t, err, http.StatusNotFound, "State not found")
}

func TestKeepStates(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{KeepStates: 10})
	b.steps(step("split", "work"), step("work"))
	run := func(n int) {
		b.run()
		b.do("split", outputs(make([]string, n)...))
		b.drain()
	}
	for _, c := range []struct{ n, runs, states int }{{2, 1, 4}, {2, 2, 8}, {1, 3, 10}, {1, 3, 8}, {50, 1, 100}, {1, 1, 2}} {
		run(c.n)
		b.kept()
		if states, runs, _, _ := statemanager.Retained(b.Engine); states != c.states || runs != c.runs {
			t.Errorf("after a run of %d states: %d states of %d runs are kept, want %d of %d", 2*c.n, states, runs, c.states, c.runs)
		}
	}
}

// The newest runs may come to rest first, and be dropped, while others that are
// much older are under way.
func TestNewestRunsAreDroppedFirst(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{KeepRuns: 1})
	b.steps(step("a"))
	const runs = 1<<10 + 1 // ids are kept in pages of 1 << 10
	for range runs {
		b.run()
	}
	states := append(b.claimN(1000), b.claimN(1000)...)
	if len(states) != runs {
		t.Fatalf("claimed %d states", len(states))
	}
	b.report(states[runs-1], outputs("x"))
	b.report(states[0], outputs("x")) // which drops the other's run
	again := b.run()
	b.wantStatus(again, transport.RunPending)
	for _, s := range states[1 : runs-1] {
		b.report(s, outputs("x"))
	}
	if got := len(b.kept()); got != 2 {
		t.Errorf("%d runs are kept, want the last at rest and the one under way", got)
	}
}

func TestRunsAreKept(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	for range 3000 {
		b.run()
	}
	b.drain()
	if _, runs, _, _ := statemanager.Retained(b.Engine); runs != 3000 {
		t.Errorf("%d runs are kept, want all", runs)
	}
}
