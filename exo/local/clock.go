package local

import (
	"math"
	"sync/atomic"
	"time"
)

// A clock gives the engine real time: its one goroutine sleeps until the next
// thing that time alone brings, be it a lease that ends, a cron trigger, or a
// state that becomes due while a claim waits for it.
type clock struct {
	base time.Time
	next atomic.Int64  // when the goroutine wakes, as a duration from base
	kick chan struct{} // wakes it at once
	done chan struct{} // closed when it has ended
}

// never is beyond any time that there is an event at.
const never = math.MaxInt64

func (c *clock) start(s *StateManager) {
	c.base = time.Now()
	c.next.Store(never)
	c.kick = make(chan struct{}, 1)
	c.done = make(chan struct{})
	go c.run(s)
}

// stop waits for the goroutine to end, which it does when s is closing.
func (c *clock) stop() { <-c.done }

// by makes sure that the goroutine is awake at t. It only ever wakes it early,
// which costs a look around; so the many leases that never end cost nothing,
// as each ends later than the one that the goroutine is waiting for.
func (c *clock) by(t time.Time) {
	if int64(t.Sub(c.base)) < c.next.Load() {
		c.wake()
	}
}

// wake has the goroutine look around now.
func (c *clock) wake() {
	select {
	case c.kick <- struct{}{}:
	default: // it is about to
	}
}

func (c *clock) run(s *StateManager) {
	defer close(c.done)
	timer := time.NewTimer(never)
	defer timer.Stop()
	for {
		// Until the next time is known, every call of by leaves a kick, so that
		// none that comes while the goroutine looks around is missed.
		c.next.Store(never)
		now := time.Now()
		s.engine.Advance(now)
		s.claims.fire(now)

		next, ok := s.engine.NextEvent()
		if due, waited := s.claims.nextDue(); waited && (!ok || due.Before(next)) {
			next, ok = due, true
		}
		if ok {
			c.next.Store(int64(next.Sub(c.base)))
			timer.Reset(time.Until(next))
		} else {
			timer.Stop()
		}
		select {
		case <-timer.C:
		case <-c.kick:
		case <-s.closing:
			return
		}
	}
}
