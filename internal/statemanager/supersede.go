package statemanager

import (
	"cmp"
	"slices"
)

// A retry by hand makes void what came of the state that it replaces: what
// follows from that state, and every join that has run on it, with what follows
// from the join. These states become RETRY_CREATED, whatever they were. They keep
// their outputs, error and data, but count no more: not for the run, not for
// joins, and no join collects them. Those that were pending are claimed no more,
// and those under claim have lost their worker. The joins run anew once their
// branches are done again.
//
// This takes one look at each state of the run that is younger than the old one,
// and none at all if nothing followed from it.

// A fate says whether a state still counts.
type fate uint8

const (
	counts     fate = iota
	replaced        // by a retry by hand
	superseded      // what it followed from, or waited for, was retried by hand
)

// supersede makes void what came of old, which is being replaced. The new state
// must be among the pending members of old's group already, so that nothing is
// decided meanwhile.
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

// void takes a state out of all counts.
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

// leaveForGood takes a scope whose anchor counts no more out of the counts around
// it. Its own go down to nothing as its states are made void.
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

// retire gives a state that counts no more its last status. If it is pending it
// is claimed no more, and a worker that has it has lost it.
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
