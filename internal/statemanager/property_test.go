package statemanager_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// TestEngineAgainstModel executes random graphs with random outcomes and
// compares the engine, after every report, with a model of the rules that is
// slow and obvious.
func TestEngineAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { driveModel(t, false) })
}

// TestReferenceAgainstModel does the same with the reference server's joins.
func TestReferenceAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { driveModel(t, true) })
}

func driveModel(t *rapid.T, reference bool) {
	graph := drawGraph(t, reference)
	b := newBed(t, statemanager.Options{Rules: statemanager.Rules{AsReference: reference}})
	policy := retries(1)
	b.graph("g", transport.GraphSpec{Nodes: graph.nodes, Retry: policy})
	m := &model{graph: graph, reference: reference}
	run := b.run()
	m.begin()
	claimed := make(map[string]transport.State)
	for mended := 0; ; {
		compareToModel(t, b, run, m)
		b.now = b.now.Add(policy.Backoff) // retries are due
		for _, s := range b.claimN(rapid.IntRange(1, 4).Draw(t, "claim")) {
			claimed[s.ID] = s
		}
		if len(claimed) == 0 { // at rest; now and then somebody mends a branch
			if mended == 2 || !mend(t, b, run, m, mended) {
				return
			}
			mended++
			continue
		}
		s := claimed[rapid.SampledFrom(sortedIDs(claimed)).Draw(t, "state")]
		delete(claimed, s.ID)
		_, states := b.states(run)
		x := m.find(stateKeys(states)[s.ID])
		if x == nil {
			t.Fatalf("the model has no such state:\n%s\n\t%s", stateKeys(states)[s.ID], m)
		}
		o := drawOutcome(t, m)
		b.report(s, o)
		m.report(x, o)
	}
}

func sortedIDs(states map[string]transport.State) []string {
	var ids []string
	for id := range states {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// mend may retry a failed state by hand, and reports whether it did.
func mend(t *rapid.T, b *bed, run string, m *model, n int) bool {
	_, states := b.states(run)
	keys := stateKeys(states)
	failed := slices.DeleteFunc(slices.Clone(states), func(s transport.StateDetail) bool {
		return s.Status != transport.StatusErrored && s.Status != transport.StatusNextCreatedError ||
			string(s.Inputs) == "{}" && s.Identifier != "s0" // a join that could not be made still cannot
	})
	if len(failed) == 0 || !rapid.Bool().Draw(t, "mend") {
		return false
	}
	s := rapid.SampledFrom(failed).Draw(t, "failed")
	x := m.find(keys[s.ID])
	if _, err := b.Retry(b.now, "ns", s.ID, fmt.Sprint(n), false); err != nil {
		t.Fatalf("Retry: %v", err)
	}
	x.Status = transport.StatusRetryCreated
	m.add(x.Identifier, x.Parents, string(x.Inputs), 0)
	return true
}

func drawOutcome(t *rapid.T, m *model) transport.Outcome {
	switch rapid.IntRange(0, 9).Draw(t, "outcome") {
	case 0, 1:
		return transport.Errored{Message: "no", Permanent: rapid.Bool().Draw(t, "permanent")}
	case 2:
		return transport.Pruned{}
	case 3, 4:
		most := 3
		if len(m.states) > 40 {
			most = 1
		}
		list := make([]string, rapid.IntRange(1, most).Draw(t, "outputs"))
		for i := range list {
			list[i] = m.unique()
		}
		return outputs(list...)
	case 5: // the second lacks what inputs may read
		o := outputs(m.unique())
		o.Outputs = append(o.Outputs, transport.Object(`{"p":"`+m.unique()+`"}`))
		return o
	}
	return outputs(m.unique())
}

func compareToModel(t *rapid.T, b *bed, run string, m *model) {
	if err := statemanager.Check(b.Engine); err != nil {
		t.Fatalf("engine: %v", err)
	}
	info, states := b.states(run)
	keys := stateKeys(states)
	lines := make([]string, len(states))
	for i, s := range states {
		status := s.Status
		if status == transport.StatusQueued {
			status = transport.StatusCreated // the model knows no claims
		}
		lines[i] = fmt.Sprintf("%s %s %s", keys[s.ID], status, s.Inputs)
	}
	slices.Sort(lines)
	if got, want := strings.Join(lines, "\n\t"), m.String(); got != want {
		t.Fatalf("states differ\nengine:\n\t%s\nmodel:\n\t%s", got, want)
	}
	if want := m.status(); info.Status != want {
		t.Fatalf("the run is %s, want %s", info.Status, want)
	}
}
