package exo

import (
	"slices"
	"sync"

	"github.com/exospherehost/exo-go/exo/node"
)

// slots counts what a runtime may claim: idle workers, and for nodes with
// [WithConcurrency] the number of further states that may execute.
type slots struct {
	mu      sync.Mutex
	idle    int
	workers int
	names   []string       // of all nodes
	plain   []string       // of the nodes without a limit
	limited map[string]int // free slots of the nodes with a limit
	widened func()         // called when a node without a free slot gets one; may be nil

	// freed has a token when a slot was given back since the last look.
	freed chan struct{}
}

func newSlots(workers int, nodes []node.Any) *slots {
	s := &slots{idle: workers, workers: workers, limited: map[string]int{}, freed: make(chan struct{}, 1)}
	for _, n := range nodes {
		s.names = append(s.names, n.Name())
		if c := n.Concurrency(); c > 0 && c < workers {
			s.limited[n.Name()] = c
		} else {
			s.plain = append(s.plain, n.Name())
		}
	}
	return s
}

// claimable returns what can be claimed now: the names of nodes, and the number
// of states. A node with a limit is included only if it could take all of the
// states, because a claim cannot say how many it wants of each node. So the
// most limited node keeps a claim small; above leaves out the nodes that cannot
// take more than that many states, so that more states of the others can be
// claimed.
//
// Nodes without a free slot are left out too. widened is called when one of
// them gets a slot back before the next call.
func (s *slots) claimable(batch, above int, widened func()) (names []string, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.widened = nil
	most = min(s.idle, batch)
	if most <= 0 {
		return nil, 0
	}
	if len(s.limited) == 0 {
		return s.names, most
	}
	names = slices.Clip(s.plain)
	for _, name := range s.names {
		free, ok := s.limited[name]
		switch {
		case !ok:
		case free == 0:
			s.widened = widened
		case free > above:
			names = append(names, name)
			most = min(most, free)
		}
	}
	if len(names) == 0 {
		return nil, 0
	}
	return names, most
}

// limits reports whether any node has a limit.
func (s *slots) limits() bool { return len(s.plain) < len(s.names) }

// take uses a slot for a state of the node. It reports false, and takes
// nothing, if there is none.
func (s *slots) take(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle == 0 {
		return false
	}
	if free, ok := s.limited[name]; ok {
		if free == 0 {
			return false
		}
		s.limited[name] = free - 1
	}
	s.idle--
	return true
}

// give returns a slot used by take.
func (s *slots) give(name string) {
	s.mu.Lock()
	s.idle++
	if free, ok := s.limited[name]; ok {
		s.limited[name] = free + 1
		if free == 0 && s.widened != nil {
			s.widened()
			s.widened = nil
		}
	}
	s.mu.Unlock()
	notify(s.freed)
}

// busy returns the number of slots in use.
func (s *slots) busy() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workers - s.idle
}

// notify puts a token into a channel of capacity one, unless it holds one.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
