package statemanager_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/lineage"
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

// A drive is an engine and its model, and the workers of both.
type drive struct {
	*bed
	t       *rapid.T
	run     string
	model   *model
	lease   time.Duration // the default
	claimed []claim       // in order
	strays  []claim       // of workers that know of no lease and have lost the state
	mended  int
}

type claim struct {
	transport.Claimed
	asked bool // for a lease
}

func driveModel(t *rapid.T, reference bool) {
	graph := drawGraph(t, reference)
	d := &drive{t: t, model: newModel(graph, reference)}
	if rapid.Bool().Draw(t, "default lease") {
		d.lease = time.Hour
	}
	d.bed = newBed(t, statemanager.Options{Rules: statemanager.Rules{AsReference: reference}, DefaultLease: d.lease})
	policy := retries(1)
	d.graph("g", transport.GraphSpec{Nodes: graph.nodes, Retry: policy})
	d.run = d.bed.run()
	for {
		d.compare()
		d.now = d.now.Add(policy.Backoff) // retries are due
		d.claim()
		action := rapid.IntRange(0, 19).Draw(t, "action")
		switch {
		case action == 0 && d.mend(), action == 1 && d.expire(), action == 2 && d.late():
		case len(d.claimed) > 0:
			i := rapid.IntRange(0, len(d.claimed)-1).Draw(t, "state")
			c := d.claimed[i]
			d.claimed = slices.Delete(d.claimed, i, i+1)
			x, o := d.find(c.ID), drawOutcome(t, d.model)
			d.report(c.Claimed, o)
			d.model.report(x, o)
		case !d.mend(): // at rest
			return
		}
	}
}

// find is the model's state of that id.
func (d *drive) find(id string) *transport.State {
	_, states := d.states(d.run)
	x := d.model.find(stateKeys(states)[id])
	if x == nil {
		d.t.Fatalf("the model has no such state:\n%s\n\t%s", stateKeys(states)[id], d.model)
	}
	return x
}

func (d *drive) claim() {
	r := transport.ClaimRequest{Nodes: []string{"N", "NA"}, Max: rapid.IntRange(1, 4).Draw(d.t, "claim")}
	if rapid.Bool().Draw(d.t, "lease") {
		r.Lease = time.Hour
	}
	for _, s := range d.Claim(d.now, "ns", r) {
		if r.Lease == 0 {
			s.Token = ""
		}
		d.claimed = append(d.claimed, claim{s, r.Lease > 0})
	}
}

// expire lets all leases end.
func (d *drive) expire() bool {
	if len(d.claimed) == 0 {
		return false
	}
	xs := make([]*transport.State, len(d.claimed))
	for i, c := range d.claimed {
		xs[i] = d.find(c.ID)
	}
	d.now = d.now.Add(2 * time.Hour)
	d.Advance(d.now)
	var kept []claim
	for i, c := range d.claimed {
		switch {
		case c.asked:
			d.model.report(xs[i], transport.Errored{})
		case d.lease > 0:
			d.model.lapse(xs[i])
			d.strays = append(d.strays, c)
		default:
			kept = append(kept, c)
		}
	}
	d.claimed = kept
	return true
}

// late reports on a state that a worker has lost and does not know of. It is
// taken if nobody else has the state, and ignored otherwise.
func (d *drive) late() bool {
	if len(d.strays) == 0 {
		return false
	}
	i := rapid.IntRange(0, len(d.strays)-1).Draw(d.t, "stray")
	c := d.strays[i]
	d.strays = slices.Delete(d.strays, i, i+1)
	x, o := d.find(c.ID), drawOutcome(d.t, d.model)
	j := slices.IndexFunc(d.claimed, func(other claim) bool { return other.ID == c.ID })
	d.report(c.Claimed, o)
	if j >= 0 && !d.claimed[j].asked { // taken for the other's
		d.claimed = slices.Delete(d.claimed, j, j+1)
		j = -1
	}
	if x.Status == transport.StatusCreated && j < 0 {
		d.model.report(x, o)
	}
	return true
}

// mend retries a state by hand, and reports whether it did.
func (d *drive) mend() bool {
	_, states := d.states(d.run)
	fit := slices.DeleteFunc(slices.Clone(states), func(s transport.State) bool {
		return s.Status == transport.StatusRetryCreated ||
			string(s.Inputs) == "{}" && s.Identifier != "s0" // a join that could not be made still cannot
	})
	if len(fit) == 0 || d.mended == 3 || !rapid.Bool().Draw(d.t, "mend") {
		return false
	}
	s := rapid.SampledFrom(fit).Draw(d.t, "fit")
	x := d.find(s.ID)
	if _, err := d.Retry(d.now, "ns", s.ID, fmt.Sprint(d.mended), true); err != nil {
		d.t.Fatalf("Retry: %v", err)
	}
	d.mended++
	d.model.retry(x)
	_, states = d.states(d.run)
	status := make(map[string]transport.Status)
	for _, s := range states {
		status[s.ID] = s.Status
	}
	d.claimed = slices.DeleteFunc(d.claimed, func(c claim) bool {
		lost := status[c.ID] == transport.StatusRetryCreated
		if lost && !c.asked {
			d.strays = append(d.strays, c)
		}
		if lost && c.asked {
			_, err := d.tell(c.Claimed, outputs("x"))
			wantError(d.t, err, http.StatusConflict, "Lease lost")
		}
		return lost
	})
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

func (d *drive) compare() {
	t, m := d.t, d.model
	if err := statemanager.Check(d.Engine); err != nil {
		t.Fatalf("engine: %v", err)
	}
	info, states := d.states(d.run)
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
	d.compareOrder(states)
	if d.mended == 0 && !m.graph.joinsBeside() { // what a client finds out by itself
		for i := range states {
			states[i].Place = nil
		}
		d.compareOrder(states)
	}
}

// compareOrder compares the order in which clients list the states of each step
// that still count with the model's.
func (d *drive) compareOrder(states []transport.State) {
	keys, modelKeys := stateKeys(states), stateKeys(d.model.list())
	void, modelVoid := lineage.Void(states), lineage.Void(d.model.list())
	ordered := d.model.inOrder()
	for _, n := range d.model.graph.nodes {
		var got, want []string
		for _, i := range lineage.At(states, n.Identifier) {
			if !void[states[i].ID] {
				got = append(got, keys[states[i].ID])
			}
		}
		for _, x := range ordered {
			if x.Identifier == n.Identifier && !modelVoid[x.ID] {
				want = append(want, modelKeys[x.ID])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			d.t.Fatalf("order of %s (-want +got):\n%s", n.Identifier, diff)
		}
	}
}
