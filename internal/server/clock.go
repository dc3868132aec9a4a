package server

import (
	"slices"
	"sync"
	"time"
)

// A Clock is the clock of a [Server].
type Clock interface {
	Now() time.Time

	// AfterFunc calls f after d has passed, from a goroutine that holds no
	// lock. The server may call AfterFunc while it holds locks, so AfterFunc
	// must not call f itself.
	AfterFunc(d time.Duration, f func()) Timer
}

// A Timer is a timer of a [Clock]. Its methods behave like those of
// [*time.Timer].
type Timer interface {
	Stop() bool
	Reset(d time.Duration) bool
}

// realClock is the clock of package time.
type realClock struct{}

func (realClock) Now() time.Time                            { return time.Now() }
func (realClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// A ManualClock moves only when told to. It is safe for concurrent use.
type ManualClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer // running timers, in the order in which they fire
}

// NewManualClock returns a clock that shows start.
func NewManualClock(start time.Time) *ManualClock { return &ManualClock{now: start} }

// Now implements [Clock].
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc implements [Clock]. The goroutine that moves the clock calls f,
// when the clock shows the time at which f is due.
func (c *ManualClock) AfterFunc(d time.Duration, f func()) Timer {
	t := &manualTimer{clock: c, f: f}
	t.Reset(d)
	return t
}

// Advance moves the clock forward by d.
func (c *ManualClock) Advance(d time.Duration) { c.AdvanceTo(c.Now().Add(d)) }

// AdvanceTo moves the clock forward to end. It does nothing if end has passed.
func (c *ManualClock) AdvanceTo(end time.Time) {
	for {
		t := c.step(end)
		if t == nil {
			return
		}
		t.f()
	}
}

// step moves the clock to the next timer and returns it, or moves it to end.
func (c *ManualClock) step(end time.Time) *manualTimer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 || c.timers[0].at.After(end) {
		if end.After(c.now) {
			c.now = end
		}
		return nil
	}
	t := c.timers[0]
	c.timers = slices.Delete(c.timers, 0, 1)
	if t.at.After(c.now) {
		c.now = t.at
	}
	return t
}

type manualTimer struct {
	clock *ManualClock
	f     func()
	at    time.Time
}

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.clock.remove(t)
}

func (t *manualTimer) Reset(d time.Duration) bool {
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.remove(t)
	t.at = c.now.Add(d)
	i := len(c.timers)
	for i > 0 && c.timers[i-1].at.After(t.at) {
		i--
	}
	c.timers = slices.Insert(c.timers, i, t)
	return was
}

func (c *ManualClock) remove(t *manualTimer) bool {
	i := slices.Index(c.timers, t)
	if i < 0 {
		return false
	}
	c.timers = slices.Delete(c.timers, i, i+1)
	return true
}
