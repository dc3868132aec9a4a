package statemanager

import (
	"cmp"
	"slices"
)

// A manual retry voids what came of the state that it replaces: what descends
// from that state, and every join that has waited for it and run, with what
// descends from the join. These states become RETRY_CREATED, whatever their
// status was. They keep their outputs, error and data, but no longer count for
// the run or for joins, and no join collects them. Pending ones can no longer
// be claimed, and the workers of claimed ones have lost them. The joins run
// again once their branches are done again.
//
// This visits once each state of the run that is younger than the old one, and
// none if nothing descends from it.

// A fate says whether a state still counts.
type fate uint8

const (
	counts     fate = iota
	replaced        // by a manual retry
	superseded      // what it descended from or waited for was retried manually
)

// supersede voids what came of old, which is being replaced. The new state must
// already be among the pending members of old's group, so that nothing is
// decided in the meantime.
func (e *Engine) supersede(old *state) {
	follows := old.status == success
	for g := old.group; g.scope != nil; g = g.scope.anchor.group {
		for _, j := range g.scope.anchor.place.joins {
			own := &g.scope.groups[j.index+1]
			if own.ran && j.waitsFor(g) {
				own.anew = true
				follows = true
			}
		}
	}
	if !follows {
		return
	}
	states := old.run.states
	i, _ := slices.BinarySearchFunc(states, old.order, func(st *state, order uint64) int { return cmp.Compare(st.order, order) })
	for _, st := range states[i+1:] {
		if st.fate == counts && (st.group.anew || st.parent != nil && st.parent.fate != counts) {
			e.void(st)
		}
	}
	for g := old.group; g.scope != nil; g = g.scope.anchor.group {
		for i := range g.scope.groups {
			if own := &g.scope.groups[i]; own.anew {
				own.ran, own.anew = false, false
			}
		}
	}
	for _, p := range old.run.program.placements {
		p.queue.sweep()
	}
}

// waitsFor reports whether a group of the join's scope is among those that it
// waits for.
func (j *join) waitsFor(g *group) bool {
	return slices.ContainsFunc(j.waits, func(i int) bool { return &g.scope.groups[i] == g })
}

// void removes a state from all counts.
func (e *Engine) void(st *state) {
	st.fate = superseded
	g := st.group
	if sc := g.scope; sc != nil && sc.anchor.fate != counts && !sc.void {
		sc.leaveForGood()
	}
	switch st.status {
	case created, queued:
		g.pending--
	case errored, nextCreatedError:
		g.failed--
	case unborn, success, pruned, retryCreated, cancelled, statuses:
	}
	e.retire(st)
}

// leaveForGood removes a scope whose anchor no longer counts from the counts of
// the enclosing groups. Its own counts go down to zero as its states are
// voided.
func (sc *scope) leaveForGood() {
	up := sc.anchor.group
	switch {
	case !sc.quiet:
		up.pending--
	case sc.failed:
		up.failed--
	}
	sc.void, sc.quiet, sc.failed = true, true, false
}

// retire gives a state that no longer counts its last status. If it is pending,
// it can no longer be claimed, and a worker that has it has lost it.
func (e *Engine) retire(st *state) {
	switch st.status {
	case retryCreated:
		return
	case created:
		st.place.queue.stale++
		st.lapsed = false
	case queued:
		if st.token == 0 || st.tokenless {
			st.stray = true
		} else {
			st.expired = true
		}
	case unborn, success, pruned, errored, nextCreatedError, cancelled, statuses:
	}
	e.become(st, retryCreated)
}
