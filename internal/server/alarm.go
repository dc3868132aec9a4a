package server

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// An alarm is a timer for the next event that only time brings: the end of a
// lease, a cron trigger, or a state that becomes due while a claim waits for
// it.
type alarm struct {
	clock Clock
	ring  func()
	base  time.Time
	next  atomic.Int64 // when it rings, as a duration since base

	mu    sync.Mutex
	timer Timer // nil until it is first needed
	over  bool
}

// never is later than any event.
const never = math.MaxInt64

func (a *alarm) init(c Clock, ring func()) {
	a.clock, a.ring = c, ring
	a.base = c.Now()
	a.next.Store(never)
}

// by makes the alarm ring at t or earlier, after which the server looks around
// again. An early ring costs only that look. So leases that never run out cost
// nothing: each ends later than the one that the alarm is set for.
//
// It may be called under any lock. The event at t must be visible before the
// call: a ring that has just begun may be the one that has to handle it.
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

// rings notes that a ring has begun. The ring looks for events after this call.
func (a *alarm) rings() { a.next.Store(never) }

// stop stops the alarm permanently.
func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	if a.timer != nil {
		a.timer.Stop()
	}
}

// ring handles the events that are due.
func (s *Server) ring() {
	if !s.Enter() {
		return
	}
	defer s.Leave()
	s.alarm.rings()
	s.Advance()
	s.rearm()
}

// Advance handles the events that are due by the clock's time. The server also
// does so by itself, shortly after they become due.
func (s *Server) Advance() {
	_ = alter(context.Background(), s, func(now time.Time) error { // there is no caller to report to
		s.engine.Advance(now)
		s.claims.fire(now)
		return nil
	})
}

// rearm sets the alarm for the next event.
func (s *Server) rearm() {
	if next, ok := s.NextEvent(); ok {
		s.alarm.by(next)
	}
	if due, ok := s.claims.nextDue(); ok {
		s.alarm.by(due)
	}
}
