package exotest

import (
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/internal/server"
)

// defaultStart is when a state manager's own time begins.
var defaultStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// A clock is a state manager's time. In a bubble it is the bubble's, which passes
// when all sleep. Else it is the clock's own, and passes only when it is told to.
type clock struct {
	own   *server.ManualClock // nil in a bubble
	start time.Time
}

func newClock(start time.Time) *clock {
	if inBubble() {
		return &clock{start: time.Now()}
	}
	return &clock{own: server.NewManualClock(start), start: start}
}

// bubble reports whether the time is a bubble's.
func (c *clock) bubble() bool { return c.own == nil }

// inBubble reports whether the caller is in a bubble of testing/synctest, for
// which there is no other question than Wait: outside of one it panics.
func inBubble() (in bool) {
	defer func() {
		if p := recover(); p != nil {
			in = strings.Contains(fmt.Sprint(p), "in progress") // another goroutine of the bubble waits, too
		}
	}()
	synctest.Wait()
	return true
}

func (c *clock) now() time.Time {
	if c.bubble() {
		return time.Now()
	}
	return c.own.Now()
}

// elapsed is the time since the start.
func (c *clock) elapsed() time.Duration { return c.now().Sub(c.start) }

// pass lets time pass until then; in a bubble only until changed is closed, if
// that comes first.
func (c *clock) pass(then time.Time, changed <-chan struct{}) {
	if !c.bubble() {
		c.own.AdvanceTo(then)
		return
	}
	timer := time.NewTimer(time.Until(then))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	}
}
