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
	// cancelGrace is how long nodes have to return once the drain time-out has
	// cancelled their contexts.
	cancelGrace = time.Second

	// flushGrace is how long, at least, outcomes are offered to the state
	// manager after the last node has ended.
	flushGrace = 5 * time.Second
)

// errDrained is the cause of a node's context that the drain has cancelled.
var errDrained = fmt.Errorf("%w: the runtime is stopping", ErrDrainTimeout)

// drain waits for the executing nodes and for their reports. When ctx, which
// ends with the drain time-out, does so first, it cancels the nodes, puts their
// states back, and says so.
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
			break // both: done in time
		}
		errs = append(errs, fmt.Errorf("%w: %d states were still executing and are put back", ErrDrainTimeout, busy))
		for _, e := range r.held.each() { // nothing is claimed any more
			if e.cancel != nil {
				e.cancel(errDrained)
			}
		}
		if !closedWithin(idle, cancelGrace) {
			for _, e := range r.held.each() {
				if e.ctx != nil && !e.settled.Load() {
					r.log.Warn("node ignores its context; its state is put back while it runs", infoFields(e.info())...)
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
		errs = append(errs, fmt.Errorf("%w: the outcomes of %d states were not reported", ErrDrainTimeout, unsent))
	}
	return errors.Join(errs...)
}

// closedWithin waits until c is closed, for at most d.
func closedWithin(c <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c:
		return true
	case <-t.C:
		select { // both: closed counts
		case <-c:
			return true
		default:
			return false
		}
	}
}

// outlasting is a context that ends d after ctx does.
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
