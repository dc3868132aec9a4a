package statemanager

import "time"

// Advance handles the events that only time brings: leases that have ended and
// cron triggers that are due. Every other call that is given the time does so
// first. Advance is for times without other calls.
func (e *Engine) Advance(now time.Time) {
	e.enter(now)
	e.mu.Unlock()
}

// advance handles what is due by now, in order of time.
func (e *Engine) advance() {
	for {
		lease, cron := e.nextLease(), e.nextCron()
		switch {
		case lease != nil && lease.at <= e.now && (cron == nil || lease.at <= cron.at):
			st := lease.item
			e.leases.drop()
			e.expire(st)
		case cron != nil && cron.at <= e.now:
			t := cron.item
			e.crons.drop()
			e.fire(t)
		default:
			return
		}
	}
}

// NextEvent returns the earliest time at which Advance has something to do. It
// reports false if there is no such time.
func (e *Engine) NextEvent() (time.Time, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	lease, cron := e.nextLease(), e.nextCron()
	switch {
	case lease == nil && cron == nil:
		return time.Time{}, false
	case lease == nil:
		return timeOf(cron.at), true
	case cron == nil:
		return timeOf(lease.at), true
	}
	return timeOf(min(lease.at, cron.at)), true
}

// NextDue returns the earliest time from which a state of these nodes can be
// claimed. The time may have passed. NextDue reports false if there is no such
// state.
func (e *Engine) NextDue(ns string, nodes []string) (time.Time, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	space := e.namespaces[ns]
	if space == nil {
		return time.Time{}, false
	}
	var first *moment[*state]
	for _, name := range nodes {
		if q := space.queues[name]; q != nil {
			if m := q.first(); m != nil && (first == nil || m.at < first.at) {
				first = m
			}
		}
	}
	if first == nil {
		return time.Time{}, false
	}
	return timeOf(first.at), true
}

// nextCron returns the next cron trigger, or nil.
func (e *Engine) nextCron() *moment[*cronTrigger] {
	for e.crons.len() > 0 {
		if m := e.crons.first(); !m.item.cancelled {
			return m
		}
		e.crons.drop()
	}
	return nil
}
