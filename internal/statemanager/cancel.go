package statemanager

import "time"

// CancelRun ends a run: its pending states become CANCELLED, what their workers
// report is refused with 409, and no join runs any more. To cancel a run again
// changes nothing; one that came to rest by itself is refused with 409
// (protocol.md §13).
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
