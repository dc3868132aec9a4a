package statemanager_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(with(step("a"), "x"))
	run := b.run()
	_, states := b.states(run)
	want := []transport.Claimed{{
		ID: states[0].ID, Node: "NA", Identifier: "a", Inputs: transport.Object(`{"a":"x"}`),
		CreatedAt: epoch, Graph: "g", RunID: run,
	}}
	b.now = epoch.Add(time.Second)
	if diff := cmp.Diff(want, b.claimN(5)); diff != "" {
		t.Errorf("claimed (-want +got):\n%s", diff)
	}
	b.idle()
	d, err := b.StateDetail("ns", "g", run, states[0].ID)
	if err != nil || d.Status != transport.StatusQueued || !d.UpdatedAt.Equal(b.now) {
		t.Errorf("the state is %+v, %v", d, err)
	}
}

// States go out by the time when they are due, then by their creation, over all
// nodes that are asked for.
func TestClaimOrder(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("n", transport.GraphSpec{Nodes: []transport.Placement{step("n")}})
	b.graph("na", transport.GraphSpec{Nodes: []transport.Placement{with(step("na"), "")}})
	ids := make(map[string]int)
	for i, c := range []struct {
		graph string
		delay int
	}{{"n", 3}, {"na", 2}, {"n", 0}, {"na", 0}, {"n", 2}, {"na", 1}, {"n", 9}} {
		ids[b.trigger(c.graph, transport.TriggerSpec{StartDelay: time.Duration(c.delay) * time.Second})] = i
	}
	b.now = epoch.Add(5 * time.Second)
	var got []int
	for range 4 {
		for _, s := range b.claimN(2) {
			got = append(got, ids[s.RunID])
		}
	}
	if diff := cmp.Diff([]int{2, 3, 5, 1, 4, 0}, got); diff != "" {
		t.Errorf("order of claims (-want +got):\n%s", diff)
	}
}

func TestClaimBounds(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("split", "work"), step("work"))
	b.run()
	b.do("split", outputs(make([]string, 1500)...))
	for _, c := range []struct{ most, want int }{{-1, 0}, {0, 0}, {1, 1}, {1 << 40, statemanager.MaxClaim}, {1000, 499}} {
		if got := len(b.claimN(c.most)); got != c.want {
			t.Errorf("claim of %d gave %d states, want %d", c.most, got, c.want)
		}
	}
}

func TestClaimAsksForNodes(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	b.run()
	for _, c := range []struct {
		ns    string
		nodes []string
		want  int
	}{
		{"ns", nil, 0}, {"ns", []string{"NA", "unknown"}, 0}, {"other", []string{"N"}, 0}, {"ns", []string{"N", "N", "N"}, 1},
	} {
		if got := len(b.Claim(b.now, c.ns, transport.ClaimRequest{Nodes: c.nodes, Max: 9})); got != c.want {
			t.Errorf("claim of %q in %s gave %d states, want %d", c.nodes, c.ns, got, c.want)
		}
		if at, ok := b.NextDue(c.ns, c.nodes); ok && c.want == 0 {
			t.Errorf("%q in %s is due at %s", c.nodes, c.ns, at)
		}
	}
}

// No state goes to two callers.
func TestClaimConcurrently(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("split", "work"), step("work", "end"), step("end"))
	run := b.run()
	b.do("split", outputs(make([]string, 500)...))
	var (
		mu   sync.Mutex
		seen = make(map[string]bool)
		wg   sync.WaitGroup
	)
	for range 8 {
		wg.Go(func() {
			for {
				states := b.Claim(b.now, "ns", transport.ClaimRequest{Nodes: []string{"N"}, Max: 7})
				if len(states) == 0 {
					return
				}
				for _, s := range states {
					mu.Lock()
					if seen[s.ID] {
						t.Errorf("state %s was claimed twice", s.ID)
					}
					seen[s.ID] = true
					mu.Unlock()
					if _, err := b.Report(b.now, "ns", transport.Report{StateID: s.ID, Outcome: outputs("x")}); err != nil {
						t.Errorf("Report: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	b.drain() // what a report made after the others had found nothing
	if i := b.info(run); i.Status != transport.RunSuccess || i.Total != 1500 {
		t.Errorf("the run is %+v", i)
	}
}
