package statemanager

import (
	"time"

	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/graph"
)

// A manualRetry tells retries by hand apart: there is at most one of them.
type manualRetry struct {
	place    *placement
	parent   *state
	fanoutID string
}

// Retry runs a state again by hand: a new state, like the old one and due at
// once, whose retries are counted from 0. The old one becomes RETRY_CREATED.
//
// Without force only ERRORED and NEXT_CREATED_ERROR states are retried, with it
// also SUCCESS and PRUNED ones; what followed from these stays. The same
// fanoutID for a state of the same step and parent is a conflict (409), as with
// the reference server. The joins that wait for the branch wait again; those
// that have run do not run again (see join.go).
func (e *Engine) Retry(now time.Time, ns, stateID, fanoutID string, force bool) (newStateID string, err error) {
	const op = "manual retry"
	if len(fanoutID) > graph.MaxNameBytes {
		return "", refused(op, graph.Wrong(graph.TooLong{Most: graph.MaxNameBytes}, clip.Text(fanoutID), "fanout_id"))
	}
	e.enter(now)
	defer e.mu.Unlock()
	old, err := e.graphState(op, ns, stateID)
	if err != nil {
		return "", err
	}
	r := old.run
	key := manualRetry{old.place, old.parent, fanoutID}
	if _, ok := r.retries[key]; ok {
		return "", conflict(op, "Duplicate retry state detected")
	}
	failed := false
	switch old.status {
	case errored, nextCreatedError:
		failed = true
	case success, pruned:
		if !force {
			return "", badRequest(op, "State is "+string(statusNames[old.status])+": to run it again takes force")
		}
		failed = old.status == pruned && e.rules.pruneFails
	case cancelled:
		return "", badRequest(op, "Run is cancelled")
	case created, queued:
		return "", badRequest(op, "State is still pending")
	case unborn, retryCreated, statuses:
		return "", badRequest(op, "State has been retried already: retry the state that took over")
	}
	if r.cancelled {
		return "", badRequest(op, "Run is cancelled")
	}
	inputs := old.inputs
	if old.unresolvable {
		inputs, err = e.inputs(old.place, old.parent, old.parent.kept, old.group.scope)
		if err != nil {
			return "", badRequest(op, err.Error())
		}
	}
	if r.retries == nil {
		r.retries = make(map[manualRetry]struct{})
	}
	r.retries[key] = struct{}{}
	old.group.enter()
	if failed {
		old.group.failed--
	}
	e.become(old, retryCreated)
	st := e.newState(r, old.place, old.parent, old.group)
	st.inputs = inputs
	e.schedule(st, e.now)
	e.settled()
	return st.id, nil
}
