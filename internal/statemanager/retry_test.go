package statemanager_test

import (
	"math"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestRetries(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{
		Nodes: []transport.Placement{step("a", "b"), with(step("b", "c"), "${{ a.outputs.o }}"), step("c")},
		Retry: &transport.RetryPolicy{MaxRetries: 2, Strategy: transport.Linear, Backoff: time.Second, Exponent: 2},
	})
	run := b.run()
	b.do("a", outputs("in"))
	for attempt := range 3 {
		s := b.claim("b")
		if s.Attempt != attempt || string(s.Inputs) != `{"a":"in"}` {
			t.Errorf("attempt %d is %+v", attempt, s)
		}
		r := b.report(s, transport.Errored{Message: "boom"})
		if r.Status != transport.StatusErrored || r.RetryCreated != (attempt < 2) {
			t.Errorf("attempt %d is answered %+v", attempt, r)
		}
		if attempt < 2 {
			b.now = b.now.Add(time.Duration(attempt+1)*time.Second - 1)
			b.idle()
			b.now = b.now.Add(1)
		}
	}
	b.idle()
	b.wantStory(run, "a:SUCCESS b:RETRY_CREATED×2 b:ERRORED")
	want := transport.RunInfo{ID: run, Graph: "g", Status: transport.RunFailed, Success: 1, Errored: 1, Retried: 2, Total: 4, CreatedAt: epoch}
	if got := b.info(run); got != want {
		t.Errorf("the run is %+v, want %+v", got, want)
	}
	_, states := b.states(run)
	for _, s := range states[1:] {
		if s.Error != "boom" || len(s.Parents) != 1 {
			t.Errorf("state %+v", s)
		}
	}
}

// The default policy is exponential, with three retries.
func TestDefaultRetryPolicy(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{step("a")}})
	b.run()
	for _, delay := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
		b.do("a", transport.Errored{})
		if at, ok := b.NextDue("ns", []string{"N"}); !ok || !at.Equal(b.now.Add(delay)) {
			t.Errorf("due at %s, %t, want %s", at, ok, b.now.Add(delay))
		}
		b.now = b.now.Add(delay)
	}
	b.do("a", transport.Errored{})
	if _, ok := b.NextDue("ns", []string{"N"}); ok {
		t.Error("there is a fourth retry")
	}
}

func TestRetryDelays(t *testing.T) {
	t.Parallel()
	const s = time.Second
	e := statemanager.New(statemanager.Options{Rand: seeded(3)})
	for _, c := range []struct {
		strategy       transport.RetryStrategy
		backoff, bound time.Duration
		exponent, n    int
		low, high      time.Duration // equal: exact; else the delays spread over all of it
	}{
		{transport.Fixed, s, 0, 2, 1, s, s},
		{transport.Fixed, s, 0, 2, 9, s, s},
		{transport.Fixed, 9 * s, 5 * s, 2, 9, 5 * s, 5 * s},
		{transport.Linear, s, 0, 2, 1, s, s},
		{transport.Linear, s, 0, 2, 7, 7 * s, 7 * s},
		{transport.Linear, s, 5 * s, 2, 7, 5 * s, 5 * s},
		{transport.Exponential, s, 0, 2, 1, s, s},
		{transport.Exponential, s, 0, 2, 4, 8 * s, 8 * s},
		{transport.Exponential, s, 0, 3, 4, 27 * s, 27 * s},
		{transport.Exponential, s, 0, 1, 1_000_000, s, s},
		{transport.Exponential, s, 20 * s, 3, 4, 20 * s, 20 * s},

		{transport.FixedFullJitter, s, 0, 2, 5, 0, s},
		{transport.FixedEqualJitter, s, 0, 2, 5, s / 2, s},
		{transport.LinearFullJitter, s, 0, 2, 4, 0, 4 * s},
		{transport.LinearEqualJitter, s, 0, 2, 4, 2 * s, 4 * s},
		{transport.ExponentialFullJitter, s, 0, 2, 4, 0, 8 * s},
		{transport.ExponentialEqualJitter, s, 0, 2, 4, 4 * s, 8 * s},
		// The base is capped, then jittered: capped delays are spread too.
		{transport.ExponentialFullJitter, s, 2 * s, 2, 40, 0, 2 * s},
		{transport.ExponentialEqualJitter, s, 2 * s, 2, 40, s, 2 * s},
		{transport.LinearFullJitter, s, 2 * s, 2, 40, 0, 2 * s},
		// Arithmetic saturates.
		{transport.Exponential, s, 0, 2, 1_000_000, math.MaxInt64, math.MaxInt64},
		{transport.Exponential, s, 0, math.MaxInt, 2, math.MaxInt64, math.MaxInt64},
		{transport.Linear, math.MaxInt64 / 2, 0, 2, 3, math.MaxInt64, math.MaxInt64},
		{transport.ExponentialFullJitter, s, 0, 2, 1_000_000, 0, math.MaxInt64},
		{transport.ExponentialEqualJitter, s, 0, 2, 1_000_000, math.MaxInt64 / 2, math.MaxInt64},
	} {
		p := &transport.RetryPolicy{Strategy: c.strategy, Backoff: c.backoff, MaxDelay: c.bound, Exponent: c.exponent}
		least, most := time.Duration(math.MaxInt64), time.Duration(0)
		for range 300 {
			d := statemanager.RetryDelay(e, p, c.n)
			least, most = min(least, d), max(most, d)
		}
		slack := (c.high - c.low) / 10
		if least < c.low || most > c.high || least > c.low+slack || most < c.high-slack {
			t.Errorf("%s of %s to at most %s, attempt %d: %s to %s, want %s to %s",
				c.strategy, c.backoff, c.bound, c.n, least, most, c.low, c.high)
		}
	}
}
