package statemanager

import (
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A readyQueue holds the CREATED states of a node, ordered by due time and then
// by creation.
type readyQueue struct {
	ready timeline[*state]
	stale int // entries of states that are no longer CREATED, or are due at another time
}

// queue returns the queue of a node, and creates it if necessary. The node need
// not be registered.
func (e *Engine) queue(ns, node string) *readyQueue {
	space := e.namespace(ns)
	q := space.queues[node]
	if q == nil {
		q = &readyQueue{}
		space.queues[node] = q
	}
	return q
}

// first returns the entry of the state to claim next, or nil.
func (q *readyQueue) first() *moment[*state] {
	for q.ready.len() > 0 {
		m := q.ready.first()
		if waits(m) {
			return m
		}
		q.ready.drop()
		q.stale--
	}
	return nil
}

// waits reports whether the state of an entry waits for a claim.
func waits(m *moment[*state]) bool { return m.item.status == created && m.item.due == m.at }

// sweep removes stale entries once they are the majority.
func (q *readyQueue) sweep() {
	if 2*q.stale > q.ready.len() {
		q.ready.compact(waits)
		q.stale = 0
	}
}

// MaxClaim is the largest number of states per claim. Higher numbers count as
// MaxClaim (protocol.md §14).
const MaxClaim = 1000

// Claim claims up to req.Max states of the named nodes that are due, ordered by
// due time and then by creation (protocol.md §3). It never gives a state to two
// callers. A Max of 0 or less claims none, one above [MaxClaim] counts as
// MaxClaim. Claim ignores req.Wait and returns at once.
//
// The inputs of the returned states belong to the engine and must not be
// modified.
func (e *Engine) Claim(now time.Time, ns string, req transport.ClaimRequest) []transport.Claimed {
	e.enter(now)
	defer e.mu.Unlock()
	space := e.namespaces[ns]
	most := min(req.Max, MaxClaim)
	if space == nil || most <= 0 {
		return nil
	}
	var few [16]*readyQueue
	queues := few[:0]
	waiting := 0
	for _, name := range req.Nodes {
		if q := space.queues[name]; q != nil && q.first() != nil {
			queues = append(queues, q)
			waiting += q.ready.len()
		}
	}
	lease, asked := req.Lease, true
	if lease <= 0 {
		lease, asked = e.defaultLease, false
	}
	var claims []transport.Claimed
	for len(claims) < most {
		q := e.nextQueue(queues)
		if q == nil {
			break
		}
		if claims == nil {
			claims = make([]transport.Claimed, 0, min(most, waiting))
		}
		st := q.ready.first().item
		q.ready.drop()
		e.grant(st, lease, asked)
		e.become(st, queued)
		claims = append(claims, st.claim(lease))
		e.settled()
	}
	return claims
}

// nextQueue returns the queue whose first state is due before the others', or
// nil if no state is due.
func (e *Engine) nextQueue(queues []*readyQueue) *readyQueue {
	var (
		best  *readyQueue
		least *moment[*state]
	)
	for _, q := range queues {
		if m := q.first(); m != nil && m.at <= e.now && (least == nil || m.before(least)) {
			best, least = q, m
		}
	}
	return best
}
