package server

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// An alarm is one timer for the next thing that time alone brings, be it a lease
// that ends, a cron trigger, or a state that becomes due while a claim waits for
// it.
type alarm struct {
	clock Clock
	ring  func()
	base  time.Time
	next  atomic.Int64 // when it rings, as a duration from base

	mu    sync.Mutex
	timer Timer // nil: there was no need yet
	over  bool
}

// never is beyond any time that there is an event at.
const never = math.MaxInt64

func (a *alarm) init(c Clock, ring func()) {
	a.clock, a.ring = c, ring
	a.base = c.Now()
	a.next.Store(never)
}

// by makes sure that the alarm rings at t or before, which costs no more than a
// look around. So the many leases that never end cost nothing: each ends later
// than the one that the alarm is set for.
//
// It may be called under any lock. What t is about must be there to be found
// before the call: a ring that has just begun may be the one that counts.
func (a *alarm) by(t time.Time) {
	d := int64(t.Sub(a.base))
	if d >= a.next.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over || d >= a.next.Load() {
		return
	}
	a.next.Store(d)
	in := t.Sub(a.clock.Now())
	if a.timer == nil {
		a.timer = a.clock.AfterFunc(in, a.ring)
	} else {
		a.timer.Reset(in)
	}
}

// rings says that a ring has begun, and looks around from now on.
func (a *alarm) rings() { a.next.Store(never) }

// stop ends it for good.
func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	if a.timer != nil {
		a.timer.Stop()
	}
}

// ring does what time has brought.
func (s *Server) ring() {
	if !s.Enter() {
		return
	}
	defer s.Leave()
	s.alarm.rings()
	s.Advance()
	s.rearm()
}

// Advance does what the clock's time has brought. The server does so by itself,
// soon.
func (s *Server) Advance() {
	_ = alter(context.Background(), s, func(now time.Time) error { // nobody is told
		s.engine.Advance(now)
		s.claims.fire(now)
		return nil
	})
}

// rearm sets the alarm for what is next.
func (s *Server) rearm() {
	if next, ok := s.engine.NextEvent(); ok {
		s.alarm.by(next)
	}
	if due, ok := s.claims.nextDue(); ok {
		s.alarm.by(due)
	}
}
