package statemanager

import (
	"math"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/graph"
)

// A run is one execution of a graph, of the version that was serving when the
// run began.
type run struct {
	id            string
	namespace     *namespace
	program       *program
	order         uint64
	created       int64
	counts        [statuses]int       // number of its states, by status
	states        []*state            // in order of creation
	slab          []state             // spare states
	within        map[*state][]uint32 // see rank.go
	root          group               // of the states that descend from no anchor
	store         map[string]string
	retries       map[manualRetry]struct{} // manual retries made
	rests         uint64                   // how often the run has become terminal; see restingRuns
	resting       bool
	restingStates int // number of states when it became terminal
	cancelled     bool
}

// alloc returns a new state of the run. The states of a run are allocated
// together: they live and are dropped together.
func (r *run) alloc() *state {
	const most = 256
	if len(r.slab) == cap(r.slab) {
		r.slab = make([]state, 0, min(most, max(1, 2*cap(r.slab))))
	}
	r.slab = r.slab[:len(r.slab)+1]
	return &r.slab[len(r.slab)-1]
}

// atRest reports whether no state is pending. Since a report, the states that
// follow from it and the joins that it decides are one transition, the joins
// are then decided too.
func (r *run) atRest() bool { return r.counts[created]+r.counts[queued] == 0 }

// status returns PENDING, and then FAILED or SUCCESS (protocol.md §4).
func (r *run) status() transport.RunStatus {
	switch {
	case r.cancelled:
		return transport.RunCancelled
	case !r.atRest():
		return transport.RunPending
	case r.counts[errored]+r.counts[nextCreatedError] > 0:
		return transport.RunFailed
	}
	return transport.RunSuccess
}

func (r *run) info() transport.RunInfo {
	c := &r.counts
	return transport.RunInfo{
		ID: r.id, Graph: r.program.graph, Status: r.status(),
		Success: c[success] + c[pruned],
		Pending: c[created] + c[queued],
		Errored: c[errored] + c[nextCreatedError],
		Retried: c[retryCreated],
		Total:   len(r.states), CreatedAt: timeOf(r.created),
	}
}

// Runs returns a page of the runs of a namespace, newest first. Pages are
// numbered from 1; a page beyond the last is empty. page and size below 1 are
// refused.
func (e *Engine) Runs(ns string, page, size int) (transport.RunPage, error) {
	const op = "runs"
	e.mu.Lock()
	defer e.mu.Unlock()
	var wrong graph.Problems
	for _, f := range []struct {
		name  string
		value int
	}{{"page", page}, {"size", size}} {
		if f.value < 1 {
			wrong.Add(graph.Below{Least: 1}, f.value, f.name)
		}
	}
	if err := refused(op, wrong...); err != nil {
		return transport.RunPage{}, err
	}
	p := transport.RunPage{Page: page, Size: size}
	space := e.namespaces[ns]
	if space == nil {
		return p, nil
	}
	p.Total = len(space.runs)
	if page-1 > p.Total/size { // also prevents overflow of the product below
		return p, nil
	}
	newest := p.Total - (page-1)*size
	oldest := max(0, newest-size)
	for i := newest - 1; i >= oldest; i-- {
		p.Runs = append(p.Runs, space.runs[i].info())
	}
	return p, nil
}

// Run returns a run with its counts, and all of its states in order of
// creation.
func (e *Engine) Run(ns, runID string) (transport.RunInfo, []transport.State, error) {
	return e.RunPart(ns, runID, Part{Most: math.MaxInt, MostPending: math.MaxInt})
}

// A Part selects states of a run. The index of a state never changes.
type Part struct {
	From        int // index of the first state
	Most        int // maximum number of states
	MostPending int // maximum number of states while the run is pending
}

// RunPart is Run with a part of the states.
func (e *Engine) RunPart(ns, runID string, p Part) (transport.RunInfo, []transport.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, err := e.run("run", ns, runID)
	if err != nil {
		return transport.RunInfo{}, nil, err
	}
	most := p.Most
	if r.status() == transport.RunPending {
		most = min(most, p.MostPending)
	}
	part := r.states[min(p.From, len(r.states)):]
	part = part[:min(most, len(part))]
	states := make([]transport.State, len(part))
	for i, st := range part {
		states[i] = st.detail()
	}
	return r.info(), states, nil
}

// AtRest reports whether the run is terminal: no state is pending, and its
// joins are decided. It takes constant time.
func (e *Engine) AtRest(ns, runID string) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, err := e.run("run", ns, runID)
	if err != nil {
		return false, err
	}
	return r.atRest(), nil
}

// RunGraph returns the states of a run and which of them made which, in order
// of creation. The summary has every status of protocol.md §5, and CANCELLED if
// there is any such state.
func (e *Engine) RunGraph(ns, runID string) (transport.RunGraph, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, err := e.run("run graph", ns, runID)
	if err != nil {
		return transport.RunGraph{}, err
	}
	g := transport.RunGraph{
		Graph:   r.program.graph,
		States:  make([]transport.StateNode, len(r.states)),
		Summary: map[transport.Status]int{transport.StatusExecuted: 0},
	}
	for i, st := range r.states {
		g.States[i] = transport.StateNode{
			ID: st.id, Node: st.place.node, Identifier: st.place.identifier, Status: statusNames[st.status],
		}
		if st.reported != reportedPruned {
			g.States[i].Error = st.note
		}
		if st.parent == nil {
			g.Roots = append(g.Roots, st.id)
		} else {
			g.Edges = append(g.Edges, transport.Edge{Source: st.parent.id, Target: st.id})
		}
	}
	for s := created; s < statuses; s++ {
		if n := r.counts[s]; n > 0 || s != cancelled {
			g.Summary[statusNames[s]] = n
		}
	}
	return g, nil
}

// StateDetail returns one state of a run in full.
func (e *Engine) StateDetail(ns, graph, runID, stateID string) (transport.State, error) {
	const op = "state detail"
	e.mu.Lock()
	defer e.mu.Unlock()
	var raw [idBytes]byte
	if !parseID(stateID, &raw) {
		return transport.State{}, badRequest(op, "Invalid node ID format: "+clip.Text(stateID))
	}
	st, err := e.graphState(op, ns, stateID)
	if err != nil || st.run.id != runID || st.run.program.graph != graph {
		return transport.State{}, notFound(op,
			"Node "+stateID+" not found in run "+clip.Text(runID)+" for graph "+clip.Text(graph))
	}
	return st.detail(), nil
}
