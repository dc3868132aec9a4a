package exo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

// callTimeout bounds one attempt of a call that is answered at once.
const callTimeout = 30 * time.Second

// register declares the nodes, for as long as it takes, and gives up only when
// the state manager says that another attempt is useless. It returns nil if
// ctx ends first.
func (r *Runtime) register(ctx context.Context) error {
	wait := r.config.reportBackoff()
	wait.Reset()
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

func (r *Runtime) registerOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return r.transport.Register(ctx, r.name, r.specs)
}

// A registration is what a runtime thinks of its nodes' registration once it
// has begun.
type registration struct {
	doubtful atomic.Bool // the state manager may have been restarted, and have lost the nodes

	// For the one goroutine that claims.
	notBefore time.Time
	wait      backoff.BackOff
}

// doubt takes an error for a sign that the state manager may have lost the
// nodes: it could not be reached, or knows nothing of a state of ours.
func (r *Runtime) doubt(err error) {
	if temporary(err) || errors.Is(err, transport.ErrNotFound) {
		r.registered.doubtful.Store(true)
	}
}

// registerAgain declares the nodes again if the state manager may have lost
// them. It makes one attempt, and none soon after one that failed.
func (r *Runtime) registerAgain(ctx context.Context) {
	g := &r.registered
	if !g.doubtful.Load() || time.Now().Before(g.notBefore) {
		return
	}
	g.doubtful.Store(false) // what fails from now on counts anew
	err := r.registerOnce(ctx)
	if err == nil {
		g.wait.Reset()
		return
	}
	if ctx.Err() != nil {
		return
	}
	delay := nextDelay(g.wait, err)
	switch {
	case unauthorized(err):
		delay = max(delay, refusedInterval)
		r.counters.refused(err, r.log)
		fallthrough
	case temporary(err):
		g.doubtful.Store(true)
		r.log.Debug("cannot register again yet", zap.Error(err))
	default:
		r.log.Error("cannot register again", zap.Error(err))
	}
	g.notBefore = time.Now().Add(delay)
}

// temporary reports whether another attempt may mend err. Errors that no state
// manager has answered with are taken for the network's, and so are answers
// too large to be read, where they should be small.
func temporary(err error) bool {
	var e *transport.Error
	return !errors.As(err, &e) || e.Temporary() || errors.Is(err, transport.ErrAnswerTooLarge)
}

// nextDelay is the next wait of a backoff, or what the state manager asked for
// if that is longer.
func nextDelay(b backoff.BackOff, err error) time.Duration {
	d := b.NextBackOff()
	if d != backoff.Stop {
		asked := retryAfter(err)
		d = max(d, asked+rand.N(asked/10+1)) // not all at the same moment
	}
	return d
}

// retryAfter is how long the state manager asks to be left alone.
func retryAfter(err error) time.Duration {
	var e *transport.Error
	if errors.As(err, &e) {
		return max(e.RetryAfter, 0)
	}
	return 0
}

// outlasting is a context that ends d after ctx does.
func outlasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	late, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		sleep(late, d)
		end()
	})
	return late, func() {
		stop()
		end()
	}
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
