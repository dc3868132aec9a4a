package exo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
	"go.uber.org/zap"
)

// callTimeout is the timeout of one attempt of a call that does not wait.
const callTimeout = 30 * time.Second

// register registers the nodes. It retries until the state manager refuses
// permanently. It returns nil if ctx ends first.
func (r *Runtime) register(ctx context.Context) error {
	wait := r.newBackoff()
	for {
		err := r.registerOnce(ctx)
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
		if !retry.Temporary(err) {
			return fmt.Errorf("exo: register nodes of %q: %w", r.namespace, err)
		}
		delay := retry.Next(wait, err)
		if delay == backoff.Stop {
			return fmt.Errorf("exo: register nodes of %q: gave up: %w", r.namespace, err)
		}
		r.log.Warn("cannot register yet", zap.Error(err), zap.Duration("retry_in", delay))
		if retry.Sleep(ctx, delay) != nil {
			return nil //nolint:nilerr // asked to stop: there is nothing to undo
		}
	}
}

func (r *Runtime) registerOnce(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer r.survive(&err)
	return r.transport.Register(ctx, r.name, r.specs)
}

// A registration tracks whether the state manager still knows the nodes.
type registration struct {
	doubtful atomic.Bool // the state manager may have been restarted and lost the nodes

	// Used only by the claiming goroutine.
	notBefore time.Time
	wait      backoff.BackOff
}

// doubt notes that, judging by an error, the state manager may have lost the
// nodes: it could not be reached, or does not know a state that the runtime
// holds.
func (r *Runtime) doubt(err error) {
	if !limited(err) && retry.Temporary(err) || errors.Is(err, transport.ErrNotFound) {
		r.registered.doubtful.Store(true)
	}
}

// limited reports whether a state manager that runs asks for fewer calls: it
// needs none more. A 503 that does not say when to come back may be a proxy's,
// whose state manager is being restarted.
func limited(err error) bool {
	var e *transport.Error
	return errors.As(err, &e) && (e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable && e.RetryAfter > 0)
}

// registerAgain registers the nodes again if the state manager may have lost
// them. It makes one attempt, and none soon after a failed one.
func (r *Runtime) registerAgain(ctx context.Context) {
	g := &r.registered
	if !g.doubtful.Load() || time.Now().Before(g.notBefore) {
		return
	}
	g.doubtful.Store(false) // later failures count from zero
	err := r.registerOnce(ctx)
	if err == nil {
		g.wait.Reset()
		return
	}
	if ctx.Err() != nil {
		return
	}
	delay := retry.Next(g.wait, err)
	switch {
	case retry.Unauthorized(err):
		delay = max(delay, retry.RefusedInterval)
		r.counters.refused(err, r.log)
		fallthrough
	case retry.Temporary(err):
		g.doubtful.Store(true)
		r.log.Debug("cannot register again yet", zap.Error(err))
	default:
		r.log.Error("cannot register again", zap.Error(err))
	}
	g.notBefore = time.Now().Add(delay)
}
