package server

import (
	"math"
	"sync/atomic"
)

// A gate lets calls in until it is shut, and then waits for those inside. It
// has no lock, because every call passes it, and because a goroutine that waits
// for a lock stops the time of a synctest bubble.
type gate struct {
	inside atomic.Int64  // number of calls inside, plus isShut once it is shut
	empty  chan struct{} // capacity one: receives when the last call has left
}

// isShut is so far below zero that no number of calls makes up for it.
const isShut = math.MinInt64 / 2

func newGate() gate { return gate{empty: make(chan struct{}, 1)} }

// enter reports whether the caller is let in. If so, the caller must leave.
func (g *gate) enter() bool {
	if g.inside.Add(1) > 0 {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.inside.Add(-1) == isShut {
		select {
		case g.empty <- struct{}{}:
		default:
		}
	}
}

// shut lets no more calls in and returns once the last one has left. It must be
// called at most once.
func (g *gate) shut() {
	if g.inside.Add(isShut) != isShut {
		<-g.empty
	}
}
