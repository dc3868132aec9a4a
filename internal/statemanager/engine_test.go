package statemanager_test

import (
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// Time never goes back: callers may have looked at their clock in another order
// than they come in.
func TestTimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	b.now = epoch.Add(time.Hour)
	run := b.run()
	b.now = epoch
	b.do("a", outputs("x"))
	if d := b.last(run, "a"); !d.UpdatedAt.Equal(epoch.Add(time.Hour)) {
		t.Errorf("updated at %s", d.UpdatedAt)
	}
}

// Times that cannot be kept count as the nearest that can.
func TestTimesBeyondTheEnds(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	e := statemanager.New(statemanager.Options{Rand: seeded(1)})
	b.Engine = e
	b.now = time.Time{}
	b.register("ns", node("N"))
	b.steps(step("a"))
	first := b.run()
	b.now = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	last := b.trigger("g", transport.TriggerSpec{StartDelay: time.Hour})
	if got := b.info(first).CreatedAt; !got.Equal(time.Unix(0, 0)) {
		t.Errorf("the first run was created at %s", got)
	}
	if got := b.info(last).CreatedAt; got.Year() != 2262 {
		t.Errorf("the last run was created at %s", got)
	}
	b.drain()
	b.wantStatus(first, transport.RunSuccess)
	b.wantStatus(last, transport.RunSuccess) // due at the end of time, which it is
}

// Without a source of its own an engine takes randomness from the system.
func TestOwnRandomness(t *testing.T) {
	t.Parallel()
	ids := make(map[string]bool)
	for range 3 {
		b := &bed{Engine: statemanager.New(statemanager.Options{}), t: t, now: epoch}
		b.register("ns", node("N"))
		b.steps(step("a"))
		run := b.run()
		ids[run] = true
		ids[b.last(run, "a").ID] = true
	}
	if len(ids) != 6 {
		t.Errorf("three engines made %d different ids, want 6", len(ids))
	}
}
