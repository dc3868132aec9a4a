package server

import (
	"math"
	"sync/atomic"
)

// A gate lets calls in until it is shut, and then waits for those inside. It
// has no lock, because it is on the way of every call, and because whoever waits
// at a lock keeps the time of a synctest bubble from moving.
type gate struct {
	inside atomic.Int64  // calls; and isShut, once it is
	empty  chan struct{} // of a capacity of one: the last call has left
}

// isShut is so far below zero that no number of calls makes up for it.
const isShut = math.MinInt64 / 2

func newGate() gate { return gate{empty: make(chan struct{}, 1)} }

// enter reports whether the caller is let in, and then has to leave.
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

// shut lets nobody in any more, and returns once nobody is inside. It may be
// called once.
func (g *gate) shut() {
	if g.inside.Add(isShut) != isShut {
		<-g.empty
	}
}
