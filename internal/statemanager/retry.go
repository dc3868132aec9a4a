package statemanager

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
)

// MaxErrorBytes is the largest length of a state's error. Longer errors are
// cut, so that no report is refused because its error is long.
const MaxErrorBytes = 64 << 10

// fail ends a failed attempt. If the policy grants another retry and the
// failure is not permanent, a new state like the old one takes over, due after
// the policy's delay. Otherwise the state is ERRORED (protocol.md §10).
func (e *Engine) fail(st *state, message string, permanent bool) {
	st.note = clip.To(message, MaxErrorBytes)
	policy := &st.run.program.retry
	if permanent || int(st.attempt) >= policy.MaxRetries {
		st.group.failed++
		e.become(st, errored)
		e.leave(st.group)
		return
	}
	st.retried = true
	e.become(st, retryCreated)
	again := e.newState(st.run, st.place, st.parent, st.group)
	again.inputs = st.inputs
	again.takePlace(st)
	again.attempt = st.attempt + 1
	// It replaces st among the branches that a join waits for.
	e.schedule(again, after(e.now, retryDelay(policy, int(again.attempt), e.rand)))
}

// retryDelay returns the delay before attempt n, which is at least 1. The base
// grows as the strategy says, is capped by the policy, and is then jittered, so
// that capped delays are spread as well (protocol.md §14). The result saturates
// at the longest time.Duration.
func retryDelay(p *transport.RetryPolicy, n int, r *rand.Rand) time.Duration {
	base := p.Backoff
	switch p.Strategy {
	case transport.Linear, transport.LinearFullJitter, transport.LinearEqualJitter:
		base = times(base, n)
	case transport.Exponential, transport.ExponentialFullJitter, transport.ExponentialEqualJitter:
		for i := 1; i < n && p.Exponent > 1 && base < math.MaxInt64; i++ {
			base = times(base, p.Exponent)
		}
	case transport.Fixed, transport.FixedFullJitter, transport.FixedEqualJitter:
	}
	if p.MaxDelay > 0 {
		base = min(base, p.MaxDelay)
	}
	switch p.Strategy {
	case transport.ExponentialFullJitter, transport.LinearFullJitter, transport.FixedFullJitter:
		return upTo(base, r)
	case transport.ExponentialEqualJitter, transport.LinearEqualJitter, transport.FixedEqualJitter:
		return base/2 + upTo(base-base/2, r)
	case transport.Exponential, transport.Linear, transport.Fixed:
	}
	return base
}

// times returns n·d, or the longest duration if that overflows.
func times(d time.Duration, n int) time.Duration {
	if d > math.MaxInt64/time.Duration(n) {
		return math.MaxInt64
	}
	return d * time.Duration(n)
}

// upTo returns a random duration of at most d.
func upTo(d time.Duration, r *rand.Rand) time.Duration {
	if d == math.MaxInt64 {
		d--
	}
	return time.Duration(r.Int64N(int64(d) + 1))
}
