package store

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/internal/nodecontext"
	"github.com/exospherehost/exo-go/internal/retry"
)

// Update replaces the value by f of it, atomically, and returns the new value:
// f is called again, with the value of that time, when another node wrote in
// between. If the key has no value, ok is false. An error of f ends the update
// and is returned as it is. Update tries until it succeeds or ctx ends. Other
// errors are as those of [Key.Get].
//
// If the state manager's response is lost, the error leaves open whether the value
// was replaced.
func (k Key[T]) Update(ctx context.Context, f func(v T, ok bool) (T, error)) (T, error) {
	r, err := k.run(ctx)
	if err != nil {
		var zero T
		return zero, k.failed("update", err)
	}
	wait := newConflictBackoff()
	for {
		v, done, err := k.tryUpdate(ctx, r, f)
		if done || err != nil {
			return v, err
		}
		if err := retry.Sleep(ctx, wait.NextBackOff()); err != nil {
			return v, k.failed("update", fmt.Errorf("other nodes kept writing it: %w", err))
		}
	}
}

// tryUpdate makes one attempt; done is false if another node wrote in between.
func (k Key[T]) tryUpdate(ctx context.Context, r *nodecontext.Store, f func(v T, ok bool) (T, error)) (_ T, done bool, err error) {
	var zero T
	old, text, ok, err := k.read(ctx, r)
	if err != nil {
		return zero, false, k.failed("update", err)
	}
	v, err := f(old, ok)
	if err != nil {
		return zero, false, err
	}
	newText, err := k.text.Format(v)
	if err != nil {
		return zero, false, k.failed("update", err)
	}
	seen := &text
	if !ok {
		seen = nil
	}
	done, err = r.Backend.StoreSwap(ctx, r.StateID, k.name, seen, newText)
	if !done || err != nil {
		return zero, false, k.failed("update", err)
	}
	return v, true, nil
}

// newConflictBackoff spreads those that write one key at the same time.
func newConflictBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Millisecond),
		backoff.WithRandomizationFactor(1), // from nothing to twice the interval
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(250*time.Millisecond),
		backoff.WithMaxElapsedTime(0), // ctx decides
	)
}
