package exo

import (
	"context"
	"errors"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
	"go.uber.org/zap"
)

// A lease is renewed after a third of it. A failed heartbeat is retried soon,
// so that three can fail within one lease, even by timeout.
const (
	heartbeatsPerLease = 3
	heartbeatPatience  = 6  // the fraction of a lease that one heartbeat may take
	heartbeatRetries   = 12 // the fraction of a lease between a failure and the next attempt
)

// heartbeat extends the leases of all held states, with one call for all of
// them, until ctx ends. It does nothing until a state with a lease has been
// claimed.
func (r *Runtime) heartbeat(ctx context.Context) {
	beater, ok := r.transport.(transport.Heartbeater)
	if !ok {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		select {
		case <-r.held.leased:
			timer.Reset(r.held.shortestLease() / heartbeatsPerLease)
		case <-timer.C:
			lease := r.held.shortestLease()
			next := time.Now().Add(lease / heartbeatsPerLease)
			if !r.renew(ctx, beater, lease) {
				next = time.Now().Add(lease / heartbeatRetries)
			}
			timer.Reset(time.Until(next))
		case <-ctx.Done():
			return
		}
	}
}

// renew sends one heartbeat and ends the executions whose leases are lost. It
// reports false if the heartbeat failed.
func (r *Runtime) renew(ctx context.Context, beater transport.Heartbeater, lease time.Duration) bool {
	executions := make(map[string]*execution)
	tokens := make(map[string]string)
	for _, e := range r.held.each() {
		if e.leased() {
			executions[e.report.StateID] = e
			tokens[e.report.StateID] = e.report.Token
		}
	}
	if len(tokens) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, lease/heartbeatPatience)
	defer cancel()
	lost, err := r.beat(ctx, beater, tokens, lease)
	switch {
	case err == nil:
	case errors.Is(err, transport.ErrUnsupported): // the state manager that gave the leases has been replaced
		return true
	case retry.Unauthorized(err):
		r.counters.refused(err, r.log)
		return false
	case errors.Is(err, context.Canceled):
		return false
	default:
		r.doubt(err)
		r.log.Warn("heartbeat failed", zap.Error(err), zap.Int("leases", len(tokens)))
		return false
	}
	for _, id := range lost {
		// A settled one may have been reported in the meantime.
		if e := executions[id]; e != nil && e.lose() {
			r.log.Warn("lease lost", infoFields(e.info())...)
		}
	}
	return true
}

func (r *Runtime) beat(ctx context.Context, beater transport.Heartbeater, tokens map[string]string, lease time.Duration) (lost []string, err error) {
	defer r.survive(&err)
	return beater.Heartbeat(ctx, tokens, lease)
}
