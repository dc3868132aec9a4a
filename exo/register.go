package exo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

// register declares the nodes, for as long as it takes, and gives up only when
// the state manager says that another attempt is useless. It returns nil if
// ctx ends first.
func (r *Runtime) register(ctx context.Context) error {
	wait := r.config.reportBackoff()
	wait.Reset()
	for {
		err := r.transport.Register(ctx, r.name, r.specs)
		if err == nil {
			names := make([]string, len(r.specs))
			for i, s := range r.specs {
				names[i] = s.Name
			}
			r.traceRegistered(names)
			return nil
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // asked to stop: there is nothing to undo
		}
		if !temporary(err) {
			return fmt.Errorf("exo: register nodes of %q: %w", r.namespace, err)
		}
		delay := nextDelay(wait, err)
		if delay == backoff.Stop {
			return fmt.Errorf("exo: register nodes of %q: gave up: %w", r.namespace, err)
		}
		r.log.Warn("cannot register yet", zap.Error(err), zap.Duration("retry_in", delay))
		if !sleep(ctx, delay) {
			return nil
		}
	}
}

// temporary reports whether another attempt may mend err. Errors that no state
// manager has answered with are taken for the network's.
func temporary(err error) bool {
	var e *transport.Error
	return !errors.As(err, &e) || e.Temporary()
}

// nextDelay is the next wait of a backoff, or what the state manager asked for
// if that is longer.
func nextDelay(b backoff.BackOff, err error) time.Duration {
	d := b.NextBackOff()
	var e *transport.Error
	if d != backoff.Stop && errors.As(err, &e) {
		d = max(d, e.RetryAfter)
	}
	return d
}

// sleep waits for d, and reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
