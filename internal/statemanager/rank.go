package statemanager

import (
	"cmp"
	"slices"
)

// Places
//
// Every state has a place in its run, and lists of states of one step are in
// the order of places (protocol.md §8). So the lists that a join collects line
// up, regardless of the speed of workers and of retries:
//
//   - states below one state are in the order of its next_nodes, followed by its
//     joins, in the order of the graph;
//   - siblings of a fan-out are in the order of the outputs, behind the executed
//     state and before its next neighbour;
//   - a retry of any kind takes the place of the state that it replaces;
//   - states below different states are in the order of these.
//
// The place among the siblings is a number, the state's rank. If one of several
// siblings is executed again and fans out itself, its own siblings have to go
// in between. Only then does the rank continue in run.within, like section
// numbers: 2.0, 2.1, 2.2 stand between 1 and 3.

// takePlace gives a new state the place of the one that it replaces.
func (st *state) takePlace(old *state) {
	st.rank, st.fanned = old.rank, old.fanned
	if within := old.run.within[old]; within != nil {
		old.run.within[st] = within
	}
}

// rankSiblings places the siblings of a fan-out behind st, in their order.
func rankSiblings(st *state, siblings []*state) {
	if len(siblings) == 0 {
		return
	}
	if !st.fanned {
		st.fanned = true
		for i, y := range siblings {
			y.fanned, y.rank = true, uint32(i+1)
		}
		return
	}
	r := st.run
	if r.within == nil {
		r.within = make(map[*state][]uint32)
	}
	above := slices.Clip(r.within[st])
	for i, y := range siblings {
		y.fanned, y.rank = true, st.rank
		r.within[y] = append(above, uint32(i+1))
	}
	r.within[st] = append(above, 0)
}

// comparePlaces compares the places of two states of a run. A state comes
// before its descendants.
func comparePlaces(a, b *state) int {
	if a.parent == b.parent {
		return compareBelow(a, b)
	}
	deeper := a.depth() - b.depth()
	for ; deeper > 0; deeper-- {
		if a = a.parent; a == b {
			return +1
		}
	}
	for ; deeper < 0; deeper++ {
		if b = b.parent; a == b {
			return -1
		}
	}
	for a.parent != b.parent {
		a, b = a.parent, b.parent
	}
	return compareBelow(a, b)
}

// compareBelow compares the places of two states with the same parent.
func compareBelow(a, b *state) int {
	if a.place != b.place {
		return cmp.Compare(a.turn(), b.turn())
	}
	if a.rank != b.rank {
		return cmp.Compare(a.rank, b.rank)
	}
	if within := a.run.within; within != nil {
		x, y := within[a], within[b]
		for i := range max(len(x), len(y)) {
			if c := cmp.Compare(at(x, i), at(y, i)); c != 0 {
				return c
			}
		}
	}
	return cmp.Compare(a.order, b.order) // attempts at the same work
}

// at returns the i-th number, or 0 beyond the end.
func at(numbers []uint32, i int) uint32 {
	if i < len(numbers) {
		return numbers[i]
	}
	return 0
}

// turn returns the position of the state's step among those that follow its
// parent's.
func (st *state) turn() int {
	if st.parent == nil {
		return 0
	}
	above := st.parent.place
	if i := slices.Index(above.next, st.place); i >= 0 {
		return i
	}
	turn := len(above.next)
	for _, j := range above.joins {
		if j.place.index < st.place.index {
			turn++
		}
	}
	return turn
}

// position returns the place of a state among the children of its parent, as
// numbers that are compared one by one. Missing numbers count as 0, and the
// last is not 0 unless it is the only one. Attempts at the same work have the
// same position.
func (st *state) position() []int {
	p := []int{st.turn(), int(st.rank)}
	for _, n := range st.run.within[st] {
		p = append(p, int(n))
	}
	for len(p) > 1 && p[len(p)-1] == 0 {
		p = p[:len(p)-1]
	}
	return p
}

// depth returns the number of ancestors of a state.
func (st *state) depth() (n int) {
	for a := st.parent; a != nil; a = a.parent {
		n++
	}
	return n
}

// inPlaces sorts states below an anchor by their places. Most often they are
// sorted already. If not, the way down from the anchor is written out as numbers
// first, since there may be very many of them, and to look at the states between
// again and again would be slow.
func inPlaces(states []*state, anchor *state) {
	if slices.IsSortedFunc(states, comparePlaces) {
		return
	}
	if anchor.run.within != nil {
		slices.SortFunc(states, comparePlaces)
		return
	}
	depth := anchor.depth()
	steps := make([]uint64, 0, len(states)*(states[0].depth()-depth))
	ways := make([]way, len(states))
	for i, st := range states {
		begin := len(steps)
		for a := st; a != anchor; a = a.parent {
			steps = append(steps, uint64(a.turn())<<32|uint64(a.rank)+1)
		}
		slices.Reverse(steps[begin:])
		ways[i] = way{st: st, begin: begin, end: len(steps)}
	}
	sortWays(ways, steps)
	for i := range ways {
		states[i] = ways[i].st
	}
}

// A way leads down to a state.
type way struct {
	key        uint64 // the step that is being looked at; 0: none is left
	st         *state
	begin, end int // the steps that are left
}

// sortWays sorts ways by their steps, one step at a time: what differs is most
// often one step of all, and single numbers are compared fast.
func sortWays(ways []way, steps []uint64) {
	for same := true; same; {
		ended := true
		for i := range ways {
			w := &ways[i]
			if w.key = 0; w.begin < w.end {
				w.key, ended = steps[w.begin], false
				w.begin++
			}
			same = same && w.key == ways[0].key
		}
		if ended { // attempts at one piece of work
			slices.SortFunc(ways, func(a, b way) int { return cmp.Compare(a.st.order, b.st.order) })
			return
		}
	}
	slices.SortFunc(ways, func(a, b way) int { return cmp.Compare(a.key, b.key) })
	for len(ways) > 0 {
		n := 1
		for n < len(ways) && ways[n].key == ways[0].key {
			n++
		}
		if n > 1 {
			sortWays(ways[:n], steps)
		}
		ways = ways[n:]
	}
}
