package exo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exospherehost/exo-go/internal/retry"
	"go.uber.org/zap"
)

const (
	// cancelGrace is how long nodes have to return after the drain timeout has
	// cancelled their contexts.
	cancelGrace = time.Second

	// flushGrace is the minimum time for reporting outcomes after the last node
	// has ended.
	flushGrace = 5 * time.Second
)

// errDrained is the cause of a node's context that the drain has cancelled.
var errDrained = fmt.Errorf("%w: the runtime is stopping", ErrDrainTimeout)

// drain waits for the executing nodes and their reports. ctx ends with the
// drain timeout. If it ends first, drain cancels the nodes, requeues their
// states, and returns an error that says so.
func (r *Runtime) drain(ctx context.Context) error {
	defer r.reporter.close()
	if busy := r.slots.busy(); busy > 0 {
		r.log.Info("draining", zap.Int("executing", busy), zap.Duration("timeout", r.config.drainTimeout))
	}
	idle := make(chan struct{})
	go func() {
		r.workers.wait()
		close(idle)
	}()

	var errs []error
	select {
	case <-idle:
	case <-ctx.Done():
		busy := r.slots.busy()
		if busy == 0 {
			break // both ready: done in time
		}
		errs = append(errs, fmt.Errorf("%w: %d states were still executing and have been requeued", ErrDrainTimeout, busy))
		for _, e := range r.held.each() { // nothing is claimed from now on
			if e.cancel != nil {
				e.cancel(errDrained)
			}
		}
		if !closedWithin(idle, cancelGrace) {
			for _, e := range r.held.each() {
				if e.ctx != nil && !e.settled.Load() {
					r.log.Warn("node ignores its cancelled context; its state is requeued while it runs", infoFields(e.info())...)
					e.putBack(putBackAfter)
				}
			}
		}
	}

	graced, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushGrace)
	defer cancel()
	unsent := r.reporter.flush(ctx)
	if unsent > 0 {
		unsent = r.reporter.flush(graced)
	}
	if unsent > 0 {
		errs = append(errs, fmt.Errorf("%w: %d outcomes were not reported", ErrDrainTimeout, unsent))
	}
	return errors.Join(errs...)
}

// closedWithin waits up to d for c to be closed, and reports whether it was.
func closedWithin(c <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c:
		return true
	case <-t.C:
		select { // both ready: closed counts
		case <-c:
			return true
		default:
			return false
		}
	}
}

// outlasting returns a context that ends d after ctx does.
func outlasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	late, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = retry.Sleep(late, d)
		end()
	})
	return late, func() {
		stop()
		end()
	}
}
