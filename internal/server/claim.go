package server

import (
	"container/heap"
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// Claim is the engine's Claim with waiting. It returns an error only if it took
// nothing, for example because ctx ended.
//
// Waiters stand in line, with one line for each node of a namespace. A state
// that becomes claimable wakes the first waiter in its line. That waiter leaves
// all of its lines and looks for states. If it gets none, it joins its lines
// again, at the front. No wake-up is lost:
//
//   - A waiter stands in line before it looks for states for the last time. So a
//     state either comes before that look, which then sees it, or after, when
//     there is a waiter in line to wake.
//   - While a line has waiters, it has no claimable state except one for which a
//     waiter has just been woken. When that waiter leaves, for whatever reason, it
//     checks all the lines that it left and wakes the next waiter of the
//     lines that still have states (leave). So a waiter that was woken for a state of one
//     queue and took one of another leaves no waiter asleep beside a state.
//   - A line is marked with the time at which its next state becomes due: by a
//     waiter that goes to sleep in it, by a state that is created with a delay, and
//     by a waiter that wakes the next. At that time the alarm wakes the first in
//     line.
func (s *Server) Claim(ctx context.Context, ns string, req transport.ClaimRequest) ([]transport.Claimed, error) {
	states, err := s.claim(ctx, ns, s.heardClaim(req))
	s.Tell(states)
	return states, err
}

func (s *Server) claim(ctx context.Context, ns string, req transport.ClaimRequest) ([]transport.Claimed, error) {
	const op = "claim"
	if err := ctx.Err(); err != nil {
		return nil, ended(op, err)
	}
	states, err := s.Take(ctx, ns, req)
	if len(states) > 0 || err != nil || req.Wait <= 0 || req.Max <= 0 {
		return states, err
	}
	if s.idle != nil {
		if err := s.idle(ctx, ns, ""); err != nil {
			return nil, err
		}
		return s.Take(ctx, ns, req)
	}
	w := &waiter{namespace: ns, nodes: req.Nodes, woken: make(chan struct{}, 1)}
	defer s.claims.leave(w)
	timeout := make(chan struct{})
	defer s.clock.AfterFunc(req.Wait, func() { close(timeout) }).Stop()
	for {
		s.claims.join(w)
		if err := ctx.Err(); err != nil { // it may have ended while w was being woken
			return nil, ended(op, err)
		}
		if states, err = s.Take(ctx, ns, req); len(states) > 0 || err != nil {
			return states, err
		}
		s.claims.watch(w)
		select {
		case <-w.woken:
		case <-timeout:
			return s.Take(ctx, ns, req)
		case <-ctx.Done():
			return nil, ended(op, ctx.Err())
		case <-req.Stop:
			return nil, nil
		case <-s.closing:
			return nil, closed(op)
		}
	}
}

// Take claims the states that are due, without waiting. Unlike Claim it returns
// them in full, with or without extensions.
func (s *Server) Take(ctx context.Context, ns string, req transport.ClaimRequest) ([]transport.Claimed, error) {
	return change(ctx, s, func(now time.Time) ([]transport.Claimed, error) {
		states := s.engine.Claim(now, ns, req)
		if len(states) > 0 {
			lease := states[0].Lease
			if lease == 0 {
				lease = s.defaultLease
			}
			if lease > 0 {
				s.alarm.by(now.Add(lease))
			}
		}
		return states, nil
	})
}

type queueKey struct{ namespace, node string }

// claimWaiters holds the callers that wait for states.
//
// Its lock is taken while the engine's is held, by created. So the engine must
// not be called while this lock is held.
type claimWaiters struct {
	s     *Server
	count atomic.Int64 // number of waiters in line

	mu     sync.Mutex
	queues map[queueKey]*queue // queues that have a line
	due    dueQueues
}

// A queue is the line of the waiters for states of one node.
type queue struct {
	key   queueKey
	line  list.List // of *waiter
	due   time.Time // when its next state becomes due, if place is not -1
	place int       // index in the heap of due queues; -1 if it is not there
}

// A waiter is one call of Claim.
type waiter struct {
	namespace string
	nodes     []string
	woken     chan struct{}
	standing  bool    // in line: neither woken nor gone
	returning bool    // woken without getting a state: it goes to the front
	places    []place // its places in line
}

type place struct {
	queue *queue
	at    *list.Element
}

func (c *claimWaiters) init(s *Server) {
	c.s = s
	c.queues = map[queueKey]*queue{}
}

// join puts w in line for each of its nodes.
func (c *claimWaiters) join(w *waiter) {
	// The counter goes first: a state whose creation does not see it was
	// created before w looks for states.
	c.count.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, node := range w.nodes {
		key := queueKey{w.namespace, node}
		q := c.queues[key]
		if q == nil {
			q = &queue{key: key, place: -1}
			c.queues[key] = q
		}
		if w.returning {
			w.places = append(w.places, place{q, q.line.PushFront(w)})
		} else {
			w.places = append(w.places, place{q, q.line.PushBack(w)})
		}
	}
	w.standing, w.returning = true, true
}

// leave takes w out of its lines permanently, and passes on a wake-up that it may
// have received.
func (c *claimWaiters) leave(w *waiter) {
	c.mu.Lock()
	c.remove(w)
	c.mu.Unlock()
	if c.count.Load() > 0 {
		c.watch(w)
	}
}

// remove takes w out of its lines if it still stands there.
func (c *claimWaiters) remove(w *waiter) {
	if !w.standing {
		return
	}
	w.standing = false
	c.count.Add(-1)
	for _, p := range w.places {
		p.queue.line.Remove(p.at)
		if p.queue.line.Len() == 0 {
			if p.queue.place >= 0 {
				heap.Remove(&c.due, p.queue.place)
			}
			delete(c.queues, p.queue.key)
		}
	}
	w.places = w.places[:0]
}

// watch finds when the next states of w's nodes become due, and makes sure that
// the first in line is woken then.
func (c *claimWaiters) watch(w *waiter) {
	if _, ok := c.s.NextDue(w.namespace, w.nodes); !ok {
		return // the usual case
	}
	for i, node := range w.nodes {
		if due, ok := c.s.NextDue(w.namespace, w.nodes[i:i+1]); ok {
			c.mark(queueKey{w.namespace, node}, due)
		}
	}
}

// created is called under the engine's lock when a state becomes claimable from
// its due time on.
func (c *claimWaiters) created(change statemanager.Change) {
	if c.count.Load() > 0 {
		c.mark(queueKey{change.Namespace, change.Node}, change.Due)
	}
}

// mark records when the next state of a queue becomes due. If the queue has a
// line, its first waiter is woken then.
func (c *claimWaiters) mark(key queueKey, due time.Time) {
	now := c.s.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queues[key]
	switch {
	case q == nil:
	case !due.After(now):
		c.wakeFirst(q)
	case q.place < 0:
		q.due = due
		heap.Push(&c.due, q)
		c.s.alarm.by(due)
	case due.Before(q.due):
		q.due = due
		heap.Fix(&c.due, q.place)
		c.s.alarm.by(due)
	}
}

// fire wakes the first waiter of each line whose next state is due.
func (c *claimWaiters) fire(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.due) > 0 && !c.due[0].due.After(now) {
		c.wakeFirst(heap.Pop(&c.due).(*queue))
	}
}

// nextDue returns the next time at which fire has something to do.
func (c *claimWaiters) nextDue() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.due) == 0 {
		return time.Time{}, false
	}
	return c.due[0].due, true
}

// wakeFirst takes the first waiter of a line out of all of its lines and wakes
// it. The queue must have a line.
func (c *claimWaiters) wakeFirst(q *queue) {
	w := q.line.Front().Value.(*waiter)
	c.remove(w)
	w.woken <- struct{}{} // has capacity one; a waiter in line has not been woken yet
}

// dueQueues is a heap of queues, ordered by the time of their next state.
type dueQueues []*queue

func (d dueQueues) Len() int           { return len(d) }
func (d dueQueues) Less(i, j int) bool { return d[i].due.Before(d[j].due) }

func (d dueQueues) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

// Push implements heap.Interface.
func (d *dueQueues) Push(q any) {
	q.(*queue).place = len(*d)
	*d = append(*d, q.(*queue))
}

// Pop implements heap.Interface.
func (d *dueQueues) Pop() any {
	last := len(*d) - 1
	q := (*d)[last]
	q.place = -1
	(*d)[last] = nil
	*d = (*d)[:last]
	return q
}
