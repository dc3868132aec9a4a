package statemanager

import (
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A readyQueue holds the CREATED states of a node, by the time when they are due
// and then by their creation.
type readyQueue struct {
	ready timeline[*state]
	stale int // entries of states that are not CREATED any more, or due at another time
}

// queue is the queue of a node, made if need be. The node need not be registered.
func (e *Engine) queue(ns, node string) *readyQueue {
	space := e.namespace(ns)
	q := space.queues[node]
	if q == nil {
		q = &readyQueue{}
		space.queues[node] = q
	}
	return q
}

// first is the entry of the state to claim next, nil if there is none.
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

// waits reports whether an entry is of a state that waits for a claim.
func waits(m *moment[*state]) bool { return m.item.status == created && m.item.due == m.at }

// sweep throws stale entries away once they are the most.
func (q *readyQueue) sweep() {
	if 2*q.stale > q.ready.len() {
		q.ready.compact(waits)
		q.stale = 0
	}
}

// MaxClaim is the number of states of one claim; higher numbers count as this
// one (protocol.md §14).
const MaxClaim = 1000

// Claim takes at most req.Max states of the named nodes that are due: those that
// are due first, and of these those that were created first. No state goes to
// two callers (protocol.md §3). Max of 0 or less is none, over [MaxClaim] is
// MaxClaim. req.Wait is the caller's affair: Claim returns at once.
//
// The inputs of the states are the engine's own; they must not be written to.
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

// nextQueue is the queue whose first state is due and before the others', nil if
// none is due.
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
