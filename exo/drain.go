package exo

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// drain waits for the executing nodes and for their reports. When the drain
// time-out passes first, it cancels the nodes by abandon, puts their states
// back, and says so.
func (r *Runtime) drain(abandon context.CancelCauseFunc) error {
	end := time.Now().Add(r.config.drainTimeout)
	defer r.reporter.close()
	if busy := r.slots.busy(); busy > 0 {
		r.log.Info("draining", zap.Int("executing", busy), zap.Duration("timeout", r.config.drainTimeout))
	}
	idle := make(chan struct{})
	go func() {
		r.workers.Wait()
		close(idle)
	}()

	var errs []error
	if !closedWithin(idle, r.config.drainTimeout) {
		errs = append(errs, fmt.Errorf("%w: %d states were still executing and are put back", ErrDrainTimeout, r.slots.busy()))
		abandon(errDrained)
		if !closedWithin(idle, cancelGrace) {
			for _, e := range r.held.each() {
				if e.ctx != nil && !e.settled.Load() {
					r.log.Warn("node ignores its context; its state is put back while it runs", infoFields(e.info())...)
					e.putBack(putBackAfter)
				}
			}
		}
	}

	if grace := time.Now().Add(flushGrace); end.Before(grace) {
		end = grace
	}
	flushing, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	if unsent := r.reporter.flush(flushing); unsent > 0 {
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
