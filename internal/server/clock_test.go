package server_test

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/exospherehost/exo-go/internal/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Timers fire in order, each at its time, also those that others set.
func TestManualClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	c := server.NewManualClock(start)
	var fired []string
	note := func(name string) func() {
		return func() { fired = append(fired, name+" "+c.Now().Sub(start).String()) }
	}
	c.AfterFunc(3*time.Second, note("third"))
	c.AfterFunc(time.Second, func() {
		note("first")()
		c.AfterFunc(time.Second, note("second"))
		c.AfterFunc(time.Hour, note("never"))
	})
	stopped := c.AfterFunc(2*time.Second, note("stopped"))
	moved := c.AfterFunc(2*time.Second, note("moved"))
	if !stopped.Stop() || stopped.Stop() || !moved.Reset(5*time.Second) {
		t.Error("a timer that runs is not stopped and moved once")
	}
	c.Advance(4 * time.Second)
	c.AdvanceTo(start) // which has passed
	c.Advance(time.Second)
	if want := []string{"first 1s", "second 2s", "third 3s", "moved 5s"}; !slices.Equal(fired, want) {
		t.Errorf("fired %q, want %q", fired, want)
	}
	if got := c.Now().Sub(start); got != 5*time.Second {
		t.Errorf("moved by %v", got)
	}
	if moved.Reset(0) {
		t.Error("a timer that has fired runs")
	}
	c.Advance(0)
	if len(fired) != 5 {
		t.Errorf("fired %q", fired)
	}
}
