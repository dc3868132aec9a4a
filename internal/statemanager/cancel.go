package statemanager

import "time"

// CancelRun cancels a run (protocol.md §13). Its pending states become
// CANCELLED, later reports about them are refused with 409, and its joins no
// longer run. Cancelling a cancelled run changes nothing. A run that is
// terminal for another reason is refused with 409.
func (e *Engine) CancelRun(now time.Time, ns, runID string) error {
	const op = "cancel run"
	e.enter(now)
	defer e.mu.Unlock()
	r, err := e.run(op, ns, runID)
	switch {
	case err != nil:
		return err
	case r.cancelled:
		return nil
	case r.atRest():
		return conflict(op, "Run is not pending")
	}
	r.cancelled = true
	for _, st := range r.states {
		switch st.status {
		case created:
			st.place.queue.stale++
			e.become(st, cancelled)
		case queued:
			e.become(st, cancelled)
		default:
		}
	}
	for _, p := range r.program.placements {
		p.queue.sweep()
	}
	e.settled()
	return nil
}
