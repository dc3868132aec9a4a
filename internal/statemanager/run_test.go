package statemanager_test

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestRunCountsAndStatus(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{step("split", "work"), step("work")}, Retry: retries(1)})
	run := b.run()
	b.now = epoch.Add(time.Hour)
	b.do("split", outputs("1", "2", "3", "4"))
	b.do("work", outputs("x"))
	b.do("work", transport.Pruned{})
	b.do("work", transport.Errored{Permanent: true})
	want := transport.RunInfo{ID: run, Graph: "g", Status: transport.RunPending, Success: 6, Pending: 1, Errored: 1, Total: 8, CreatedAt: epoch}
	if got := b.info(run); got != want {
		t.Errorf("the run is %+v, want %+v", got, want)
	}
	b.do("work", transport.Errored{})
	want.Retried, want.Total = 1, 9
	if got := b.info(run); got != want {
		t.Errorf("the run is %+v, want %+v", got, want)
	}
	b.now = b.now.Add(time.Second)
	b.do("work", outputs("x"))
	want.Status, want.Pending, want.Success = transport.RunFailed, 0, 7
	if got := b.info(run); got != want {
		t.Errorf("the run is %+v, want %+v", got, want)
	}
}

func TestAtRest(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	run := b.run()
	for _, want := range []bool{false, true} {
		if got, err := b.AtRest("ns", run); got != want || err != nil {
			t.Errorf("at rest: %t, %v, want %t", got, err, want)
		}
		b.drain()
	}
	b.again(b.last(run, "a").ID, "x", true)
	if got, err := b.AtRest("ns", run); got || err != nil {
		t.Errorf("at rest after a manual retry: %t, %v", got, err)
	}
}

func TestRunPages(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	var ids []string
	for range 5 {
		ids = append(ids, b.run())
	}
	for _, c := range []struct {
		page, size int
		want       []int
	}{
		{1, 2, []int{4, 3}},
		{2, 2, []int{2, 1}},
		{3, 2, []int{0}},
		{4, 2, nil},
		{1, 5, []int{4, 3, 2, 1, 0}},
		{2, 5, nil},
		{1, 100, []int{4, 3, 2, 1, 0}},
		{math.MaxInt, math.MaxInt, nil},
		{math.MaxInt, 1, nil},
		{1, math.MaxInt, []int{4, 3, 2, 1, 0}},
	} {
		p, err := b.Runs("ns", c.page, c.size)
		if err != nil || p.Total != 5 || p.Page != c.page || p.Size != c.size {
			t.Errorf("page %d of %d: %+v, %v", c.page, c.size, p, err)
		}
		var got []int
		for _, r := range p.Runs {
			for i, id := range ids {
				if r.ID == id {
					got = append(got, i)
				}
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("page %d of %d (-want +got):\n%s", c.page, c.size, diff)
		}
	}
	if p, err := b.Runs("other", 1, 10); err != nil || p.Total != 0 || p.Runs != nil {
		t.Errorf("another namespace has %+v, %v", p, err)
	}
	_, err := b.Runs("ns", 0, -1)
	want := []plain{
		{"page", "must be at least 1"},
		{"size", "must be at least 1"},
	}
	if diff := cmp.Diff(want, fieldErrors(t, err)); diff != "" {
		t.Errorf("field errors (-want +got):\n%s", diff)
	}
}

func TestRunGraph(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{step("a", "b"), with(step("b"), "")}, Retry: retries(1)})
	run := b.run()
	b.do("a", transport.Errored{Message: "boom"})
	b.now = b.now.Add(time.Second)
	b.do("a", outputs("1", "2"))
	b.do("b", transport.Pruned{Data: map[string]any{"x": 1}})
	g, err := b.RunGraph("ns", run)
	if err != nil {
		t.Fatal(err)
	}
	_, s := b.states(run)
	want := transport.RunGraph{
		Graph: "g", Roots: []string{s[0].ID, s[1].ID, s[2].ID},
		States: []transport.StateNode{
			{ID: s[0].ID, Node: "N", Identifier: "a", Status: transport.StatusRetryCreated, Error: "boom"},
			{ID: s[1].ID, Node: "N", Identifier: "a", Status: transport.StatusSuccess},
			{ID: s[2].ID, Node: "N", Identifier: "a", Status: transport.StatusSuccess},
			{ID: s[3].ID, Node: "NA", Identifier: "b", Status: transport.StatusPruned},
			{ID: s[4].ID, Node: "NA", Identifier: "b", Status: transport.StatusCreated},
		},
		Edges: []transport.Edge{{Source: s[1].ID, Target: s[3].ID}, {Source: s[2].ID, Target: s[4].ID}},
		Summary: map[transport.Status]int{
			transport.StatusCreated: 1, transport.StatusQueued: 0, transport.StatusExecuted: 0, transport.StatusErrored: 0,
			transport.StatusNextCreatedError: 0, transport.StatusSuccess: 2, transport.StatusPruned: 1, transport.StatusRetryCreated: 1,
		},
	}
	if diff := cmp.Diff(want, g); diff != "" {
		t.Errorf("graph of the run (-want +got):\n%s", diff)
	}
	if err := b.CancelRun(b.now, "ns", run); err != nil {
		t.Fatal(err)
	}
	if g, err = b.RunGraph("ns", run); err != nil || g.Summary[transport.StatusCancelled] != 1 {
		t.Errorf("summary after the cancel: %v, %v", g.Summary, err)
	}
}

func TestStateDetail(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(with(step("a", "b"), "x"), step("b"))
	run, other := b.run(), b.run()
	b.do("a", outputs("y"))
	_, states := b.states(run)
	for _, s := range states {
		got, err := b.StateDetail("ns", "g", run, s.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Errorf("state (-in the run +alone):\n%s", diff)
		}
	}
	id := states[0].ID
	_, err := b.StateDetail("ns", "g", run, "not-an-id")
	wantError(t, err, http.StatusBadRequest, "Invalid node ID format: not-an-id")
	for _, c := range []struct{ ns, graph, run, id string }{
		{"other", "g", run, id}, {"ns", "other", run, id}, {"ns", "g", other, id}, {"ns", "g", "x", id}, {"ns", "g", run, "000000000000000000000000"},
	} {
		_, err := b.StateDetail(c.ns, c.graph, c.run, c.id)
		wantError(t, err, http.StatusNotFound, fmt.Sprintf("Node %s not found in run %s for graph %s", c.id, c.run, c.graph))
	}
	// What a caller does with it is the caller's affair.
	d := states[0]
	clear(d.Inputs)
	clear(d.Outputs)
	if got, _ := b.StateDetail("ns", "g", run, id); string(got.Inputs) != `{"a":"x"}` || string(got.Outputs) != `{"o":"y"}` {
		t.Errorf("the state can be changed from outside: %+v", got)
	}
}

func TestUnknownRun(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	run := b.run()
	for ns, id := range map[string]string{"ns": "nope", "other": run} {
		want := "Run " + id + " not found in namespace " + ns
		_, _, err := b.Run(ns, id)
		wantError(t, err, http.StatusNotFound, want)
		_, err = b.RunGraph(ns, id)
		wantError(t, err, http.StatusNotFound, want)
		_, err = b.AtRest(ns, id)
		wantError(t, err, http.StatusNotFound, want)
		wantError(t, b.CancelRun(b.now, ns, id), http.StatusNotFound, want)
	}
}
