package statemanager

import "github.com/exospherehost/exo-go/exo/transport"

// Joins
//
// A placement with unites: {identifier: A} is a join; A is its anchor. The join
// runs once for every state s of A that succeeds, when everything that descends
// from s is done, not when a branch arrives at it. These are the rules
// (protocol.md §9, §14). A state "descends from s" if s is among its parents.
//
//   - The branches of a join are the states that descend from s. They need not
//     lead to the join: a branch that ends in a leaf counts too. If no state
//     descends from s, the join runs right after s.
//   - A branch is done when its state succeeds, is pruned, or fails permanently. A
//     state that is retried is not done. An ALL_DONE join runs when all branches
//     are done, an ALL_SUCCESS join when they are and none of them failed. A pruned
//     branch has not failed. If all branches were pruned, the join still runs.
//   - If a branch failed, an ALL_SUCCESS join does not run. It is considered again
//     each time the branches are done again, which takes a manual retry.
//   - The join's own states have s as their direct parent and descend from it, but
//     are not among its branches. If several joins unite one anchor, a later one
//     waits for the earlier ones that lead to it by next_nodes, and for everything
//     that descends from them. It does not wait for a join that a failure keeps
//     from running. Joins that do not lead to each other run side by side.
//   - Joins nest. An outer join waits for everything that an inner join waits for,
//     for the inner join's states, and for what descends from them, since all of
//     these descend from the outer anchor. When the last branch of an inner join is
//     done, the inner join runs in the same transition, so the outer one never sees
//     a gap. An inner join that a failure keeps from running also keeps an outer
//     ALL_SUCCESS join from running, but not an outer ALL_DONE join.
//   - Every state of a fan-out is an anchor of its own, so a join on the node that
//     fans out runs once for each of them.
//   - A manual retry of a branch voids every join that waits for the branch and has
//     run. The join runs again, with fresh inputs, once the branches are done again.
//     A forced manual retry of s itself makes a new state, and so a new anchor. See
//     supersede.go. Otherwise a join that has run for s never runs for s again.
//   - A join collects outputs in the order of places; see rank.go.
//   - A join whose inputs cannot be made, because a store key is missing or they
//     are too large, is created ERRORED.
//
// Nothing is ever searched. Every state belongs to a group, the branches that
// are counted together. The groups of an anchor state form its scope, and the
// scope is a member of the group that the anchor state belongs to. So a
// transition changes the counters of one group, and those of outer groups only
// when a scope becomes quiet or is woken.

// A scope is a succeeded state of an anchor and everything that descends from
// it.
type scope struct {
	anchor    *state
	groups    []group    // 0: the branches; i+1: the states of joins[i] and what descends from them
	collected [][]*state // the states of anchor.place.collect; see gather
	quiet     bool       // no member is pending
	failed    bool       // quiet, and a member has failed
	void      bool       // its anchor no longer counts
}

// A group counts the members of a scope that joins wait for together: states,
// and the scopes of those states that are anchors.
type group struct {
	scope   *scope // nil for the states of a run that descend from no anchor
	pending int    // members that are not done
	failed  int    // members that have failed
	ran     bool   // of the group of a join: the join has run
	anew    bool   // of the group of a join: it is being voided
}

// newScope begins the scope of a state of an anchor, as a pending member of the
// state's group.
func newScope(anchor *state) *scope {
	sc := &scope{anchor: anchor, groups: make([]group, 1+len(anchor.place.joins))}
	for i := range sc.groups {
		sc.groups[i].scope = sc
	}
	if n := len(anchor.place.collect); n > 0 {
		sc.collected = make([][]*state, n)
	}
	anchor.group.enter()
	return sc
}

// enter adds a pending member and wakes the enclosing scopes.
func (g *group) enter() {
	g.pending++
	sc := g.scope
	if sc == nil || !sc.quiet {
		return
	}
	up := sc.anchor.group
	if sc.failed {
		up.failed--
	}
	sc.quiet, sc.failed = false, false
	up.enter()
}

// leave removes a pending member that is done. If it was the last one, leave
// decides joins, and the scope may become quiet.
func (e *Engine) leave(g *group) {
	g.pending--
	e.decide(g)
}

// decide runs the joins that are no longer blocked, from the scope of g
// outwards.
func (e *Engine) decide(g *group) {
	for g.pending == 0 && g.scope != nil {
		sc := g.scope
		if !e.rules.onArrival {
			for _, j := range sc.anchor.place.joins {
				e.tryJoin(sc, j)
			}
		}
		failed := 0
		for i := range sc.groups {
			if sc.groups[i].pending > 0 {
				return
			}
			failed += sc.groups[i].failed
		}
		sc.quiet, sc.failed = true, failed > 0
		g = sc.anchor.group
		if sc.failed {
			g.failed++
		}
		g.pending--
	}
}

// An arrival is a succeeded state that leads to a join, with its scope if it is
// an anchor.
type arrival struct {
	st  *state
	own *scope
}

// arrive considers the joins that a succeeded state leads to, which is the
// reference server's rule.
func (e *Engine) arrive(a arrival) {
	for _, j := range a.st.place.arrives {
		sc := a.own
		if a.st.place != j.anchor {
			for sc = a.st.group.scope; sc.anchor.place != j.anchor; {
				sc = sc.anchor.group.scope
			}
		}
		if e.tryJoin(sc, j) {
			e.decide(&sc.groups[j.index+1])
		}
	}
}

// tryJoin runs a join if it has not run and is not blocked, and reports whether
// it did. If the join's state was created ERRORED, its group may have no
// pending member, and the caller must go on deciding.
func (e *Engine) tryJoin(sc *scope, j *join) bool {
	own := &sc.groups[j.index+1]
	if own.ran || !e.free(sc, j) {
		return false
	}
	own.ran = true
	own.enter()
	st := e.newState(sc.anchor.run, j.place, sc.anchor, own)
	inputs, err := e.inputs(j.place, sc.anchor, sc.anchor.kept, sc)
	if err != nil {
		st.inputs, st.note, st.unresolvable = transport.Object(emptyObject), err.Error(), true
		e.become(st, errored)
		own.failed++
		own.pending--
		return true
	}
	st.inputs = inputs
	e.schedule(st, e.now)
	return true
}

// free reports whether the branches of a join let it run.
func (e *Engine) free(sc *scope, j *join) bool {
	failed := 0
	if e.rules.waitForOtherJoins {
		for i := range sc.groups {
			if sc.groups[i].pending > 0 {
				return false
			}
			failed += sc.groups[i].failed
		}
	} else {
		for _, i := range j.waits {
			if sc.groups[i].pending > 0 {
				return false
			}
			failed += sc.groups[i].failed
		}
	}
	return failed == 0 || !j.all
}

// gather adds a new state to the lists of the anchors whose joins collect its
// outputs.
func gather(st *state) {
	for sc := st.group.scope; sc != nil; sc = sc.anchor.group.scope {
		for slot, p := range sc.anchor.place.collect {
			if p == st.place {
				sc.collected[slot] = append(sc.collected[slot], st)
			}
		}
	}
}
