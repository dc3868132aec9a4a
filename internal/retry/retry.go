// Package retry supports loops that repeat a call: it classifies errors and
// says how long to wait before the next attempt.
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

// RefusedInterval is the minimum time between attempts with an API key that the
// state manager rejects.
const RefusedInterval = 10 * time.Second

// NewBackoff returns a backoff for calls to a state manager that fails:
// exponential with full jitter, up to 30 seconds, and no end.
func NewBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(50*time.Millisecond),
		backoff.WithMaxInterval(15*time.Second),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(1), // full jitter: 0 to 30 seconds in the end
		backoff.WithMaxElapsedTime(0),
	)
}

// Sleep waits for d. If ctx ends first, it returns the cause.
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

// Temporary reports whether another attempt may succeed. Errors that are not
// responses of a state manager count as network errors, and so do responses
// that are too large to read, since such responses should be small.
func Temporary(err error) bool {
	e, ok := response(err)
	return !ok || e.Temporary() || errors.Is(err, transport.ErrAnswerTooLarge)
}

// Unauthorized reports whether the state manager rejected the API key. A retry
// cannot fix a key, but a rotated key may become valid again.
func Unauthorized(err error) bool {
	e, ok := response(err)
	return ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// MaybeDone reports whether a call that failed with err may have taken effect:
// there was no response, or an inconclusive one. It is false if the call was
// turned away before the state manager looked at it, by a limit (429, 503), as
// too early or too late (408, 425) or by a proxy without a backend, and if the
// state manager rejected it.
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

// After returns how long the state manager asks the client to wait.
func After(err error) time.Duration {
	if e, ok := response(err); ok {
		return max(e.RetryAfter, 0)
	}
	return 0
}

// Next returns the next wait of a backoff, or the wait that the state manager
// asked for if that is longer. It is [backoff.Stop] if the backoff has ended.
func Next(b backoff.BackOff, err error) time.Duration {
	d := b.NextBackOff()
	if d != backoff.Stop {
		asked := After(err)
		d = max(d, asked+rand.N(asked/10+1)) // so that not all clients return at once
	}
	return d
}

func response(err error) (*transport.Error, bool) {
	var e *transport.Error
	return e, errors.As(err, &e)
}
