// Package retry is what loops that make a call again and again ask: what an
// error means for the next attempt, and how long to wait before it.
package retry

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/transport"
)

// RefusedInterval is the least time between attempts with a key that the state
// manager refuses.
const RefusedInterval = 10 * time.Second

// NewBackoff spreads calls to a state manager that fails: full jitter, up to 30
// seconds in the end, without end.
func NewBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(50*time.Millisecond),
		backoff.WithMaxInterval(15*time.Second),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(1), // full jitter: 0 to 30 seconds at the end
		backoff.WithMaxElapsedTime(0),
	)
}

// Sleep waits for d, or until ctx ends: then it returns why.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Temporary reports whether another attempt may mend err. Errors that no state
// manager has responded with are taken for the network's, and so are responses
// too large to be read, where they should be small.
func Temporary(err error) bool {
	e, ok := response(err)
	return !ok || e.Temporary() || errors.Is(err, transport.ErrAnswerTooLarge)
}

// Unauthorized reports whether the state manager refuses the API key. No attempt
// of ours mends a key, but one that was rotated may come back.
func Unauthorized(err error) bool {
	e, ok := response(err)
	return ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// MaybeDone reports whether a call that failed by err may have had its effect
// all the same: there was no response, or one that does not tell. It is false
// for what was turned away before the state manager looked at it, by a limit
// (429, 503), for its time of arrival (408, 425), or by an ingress that has
// nothing behind it, and for what the state manager has refused.
func MaybeDone(err error) bool {
	e, ok := response(err)
	if !ok || errors.Is(err, transport.ErrAnswerTooLarge) {
		return true
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return false
	}
	return e.Temporary() && !errors.Is(err, transport.ErrForeignAnswer)
}

// After is how long the state manager asks to be left alone.
func After(err error) time.Duration {
	if e, ok := response(err); ok {
		return max(e.RetryAfter, 0)
	}
	return 0
}

// Next is the next wait of a backoff, or what the state manager asked for if
// that is longer. It is [backoff.Stop] if the backoff has ended.
func Next(b backoff.BackOff, err error) time.Duration {
	d := b.NextBackOff()
	if d != backoff.Stop {
		asked := After(err)
		d = max(d, asked+rand.N(asked/10+1)) // not all at the same moment
	}
	return d
}

func response(err error) (*transport.Error, bool) {
	var e *transport.Error
	return e, errors.As(err, &e)
}
