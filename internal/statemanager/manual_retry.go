package statemanager

import (
	"time"

	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/graph"
)

// A manualRetry identifies a manual retry; each may be made once.
type manualRetry struct {
	place    *placement
	parent   *state
	fanoutID string
}

// Retry retries a state manually. A new state like the old one takes its place.
// It is due at once, with its retries counted from 0. The old one becomes
// RETRY_CREATED. What descended from it and joins that waited for it and have
// run are voided, and such joins run again; see supersede.go.
//
// Without force, Retry accepts ERRORED and NEXT_CREATED_ERROR states, and
// QUEUED states whose worker did not ask for a lease, since a dead worker would
// go unnoticed. With force it also accepts SUCCESS and PRUNED states, states
// under a lease, which is lost, and CREATED states that should not wait until
// they are due. The same fanoutID for a state of the same step and parent is
// refused with 409, as on the reference server.
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
	if why := old.unfitToRetry(force); why != "" {
		return "", badRequest(op, why)
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
	st := e.replace(old)
	st.inputs = inputs
	e.schedule(st, e.now)
	e.settled()
	return st.id, nil
}

// unfitToRetry returns why a state cannot be retried manually, or "" if it can.
func (st *state) unfitToRetry(force bool) string {
	if st.run.cancelled {
		return "Run is cancelled"
	}
	switch st.status {
	case created:
		if !force {
			return "State is still pending, and due at " + stamp(st.due) + ": to replace it by one that is due now takes force"
		}
	case queued:
		if st.token != 0 && !st.tokenless && !force {
			return "State is still pending, under a lease until " + stamp(st.expiry) + ": to take it from its worker takes force"
		}
	case success, pruned:
		if !force {
			return "State is " + string(statusNames[st.status]) + ": to run it again takes force"
		}
	case cancelled:
		return "Run is cancelled"
	case unborn, retryCreated, statuses:
		if st.fate == superseded {
			return "State does not count any more: what it followed from, or waited for, has been retried"
		}
		return "State has been retried already: retry the state that took over"
	case errored, nextCreatedError:
	}
	return ""
}

// stamp formats a time for a message.
func stamp(at int64) string { return timeOf(at).Format(time.RFC3339) }

// replace makes a state that takes the place of old, which is retired. The
// caller sets the inputs of the new state and schedules it.
func (e *Engine) replace(old *state) *state {
	g := old.group
	switch old.status {
	case created, queued: // the new state takes over its pending membership
	case errored, nextCreatedError:
		g.failed--
		g.enter()
	case pruned:
		if e.rules.pruneFails {
			g.failed--
		}
		g.enter()
	case unborn, success, retryCreated, cancelled, statuses:
		g.enter()
	}
	old.fate = replaced
	if !e.rules.onArrival {
		e.supersede(old)
	}
	e.retire(old)
	old.place.queue.sweep()
	st := e.newState(old.run, old.place, old.parent, g)
	st.takePlace(old)
	return st
}
