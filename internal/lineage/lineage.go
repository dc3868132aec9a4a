// Package lineage groups and orders the states of a run: which states are
// attempts at the same piece of work, and in which order the pieces stand
// (protocol.md §8).
package lineage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A Branch is the attempts at one piece of work: a state and the states that
// replaced it after a failure or a manual retry.
type Branch struct {
	Step     string
	Attempts []int     // indexes of the states, in order of creation
	Below    []*Branch // branches that descend directly from it, in order
	Depth    int       // number of branches above it

	place []int
}

// Of returns the branches of a run, whose states are given in order of
// creation. A branch comes before those below it. The order below a branch is
// that of the graph and the outputs, not of completion: branches of one step in
// the order of the fan-out, steps in the order of next_nodes, joins last.
//
// Places given by the state manager are used as they are. Without places, Of
// assumes that the states below a state were created in their order, and that a
// RETRY_CREATED state was replaced by the state of the same step and parent
// that was created at about the time of its last change. This guess fails only
// for the outputs of one sibling of a fan-out that is retried manually and fans
// out again: those come last.
func Of(states []transport.State) []*Branch {
	l := lines{states: states, byID: make(map[string]*Branch, len(states)), byPlace: make(map[placeKey]*Branch)}
	root := &Branch{Depth: -1}
	replaces := successions(states)
	for i := range states {
		s := &states[i]
		parent := root
		if p := l.byID[directParent(s)]; p != nil {
			parent = p
		}
		var b *Branch
		if len(s.Place) > 0 {
			b = l.byPlace[keyOf(parent, s)]
		} else if old, ok := replaces[i]; ok {
			b = l.byID[states[old].ID]
		}
		if b == nil {
			b = &Branch{Step: s.Identifier, Depth: parent.Depth + 1, place: s.Place}
			parent.insert(b)
			if len(s.Place) > 0 {
				l.byPlace[keyOf(parent, s)] = b
			}
		}
		b.Attempts = append(b.Attempts, i)
		l.byID[s.ID] = b
	}
	return root.walk(make([]*Branch, 0, len(states)))
}

// At returns the indexes of the states of a step, in the order of their
// branches, and within a branch in order of creation.
func At(states []transport.State, step string) []int {
	var at []int
	for _, b := range Of(states) {
		if b.Step == step {
			at = append(at, b.Attempts...)
		}
	}
	return at
}

// Void returns the IDs of the states that no longer count: those that are
// RETRY_CREATED and those that descend from one. A state manager may leave the
// latter SUCCESS.
func Void(states []transport.State) map[string]bool {
	void := make(map[string]bool)
	for i := range states { // parents come first
		if s := &states[i]; s.Status == transport.StatusRetryCreated || void[directParent(s)] {
			void[s.ID] = true
		}
	}
	return void
}

type lines struct {
	states  []transport.State
	byID    map[string]*Branch
	byPlace map[placeKey]*Branch
}

type placeKey struct {
	parent *Branch
	step   string
	place  string
}

func keyOf(parent *Branch, s *transport.State) placeKey {
	return placeKey{parent, s.Identifier, fmt.Sprint(s.Place)}
}

func directParent(s *transport.State) string {
	if n := len(s.Parents); n > 0 {
		return s.Parents[n-1].StateID
	}
	return ""
}

// walk appends b and all branches below it.
func (b *Branch) walk(all []*Branch) []*Branch {
	for _, c := range b.Below {
		all = c.walk(append(all, c))
	}
	return all
}

// insert adds a branch at its place, or after the others of its step if the
// place is unknown.
func (b *Branch) insert(c *Branch) {
	for i, sibling := range slices.Backward(b.Below) {
		known := len(c.place) > 0 && len(sibling.place) > 0
		if known && comparePlaces(sibling.place, c.place) <= 0 || !known && sibling.Step == c.Step {
			b.Below = slices.Insert(b.Below, i+1, c)
			return
		}
	}
	if len(c.place) > 0 {
		b.Below = slices.Insert(b.Below, 0, c)
		return
	}
	b.Below = append(b.Below, c)
}

// comparePlaces compares two places. Missing numbers at the end count as 0.
func comparePlaces(a, b []int) int {
	for i := range max(len(a), len(b)) {
		if c := cmp.Compare(at(a, i), at(b, i)); c != 0 {
			return c
		}
	}
	return 0
}

func at(place []int, i int) int {
	if i < len(place) {
		return place[i]
	}
	return 0
}

// successions guesses which state each state replaces, for states without
// places.
func successions(states []transport.State) map[int]int {
	type group struct{ parent, step string }
	var old []int
	groups := make(map[group][]int)
	for i := range states {
		s := &states[i]
		if len(s.Place) > 0 {
			continue
		}
		g := group{directParent(s), s.Identifier}
		groups[g] = append(groups[g], i)
		if s.Status == transport.StatusRetryCreated {
			old = append(old, i)
		}
	}
	slices.SortStableFunc(old, func(a, b int) int { return states[a].UpdatedAt.Compare(states[b].UpdatedAt) })
	replaces := make(map[int]int, len(old))
	for _, o := range old {
		best, least := -1, time.Duration(0)
		g := groups[group{directParent(&states[o]), states[o].Identifier}]
		first, _ := slices.BinarySearch(g, o+1)
		for _, i := range g[first:] {
			if _, taken := replaces[i]; taken {
				continue
			}
			if d := states[i].CreatedAt.Sub(states[o].UpdatedAt).Abs(); best < 0 || d < least {
				best, least = i, d
			}
		}
		if best >= 0 {
			replaces[best] = o
		}
	}
	return replaces
}
