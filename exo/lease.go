package exo

import (
	"context"
	"errors"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

// heartbeatsPerLease is how often a lease is renewed while it runs: two
// heartbeats in a row may fail.
const heartbeatsPerLease = 3

// heartbeat keeps the leases of all held states, by one call for all of them,
// until ctx ends. It does nothing until a state with a lease has been claimed.
func (r *Runtime) heartbeat(ctx context.Context) {
	beater, ok := r.transport.(transport.Heartbeater)
	if !ok {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		changed, lease := r.held.shortestLease()
		if lease > 0 {
			timer.Reset(lease / heartbeatsPerLease)
		}
		select {
		case <-timer.C:
			r.renew(ctx, beater, lease)
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// shortestLease is the length of the shortest lease seen, 0 if there was none,
// and the channel that says when it changes.
func (h *held) shortestLease() (changed <-chan struct{}, lease time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.leaseSignal(), h.lease
}

// renew sends one heartbeat, and ends the executions whose leases are lost.
func (r *Runtime) renew(ctx context.Context, beater transport.Heartbeater, lease time.Duration) {
	executions := make(map[string]*execution)
	tokens := make(map[string]string)
	for _, e := range r.held.each() {
		if e.leased() {
			executions[e.report.StateID] = e
			tokens[e.report.StateID] = e.report.Token
		}
	}
	if len(tokens) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lease/heartbeatsPerLease)
	defer cancel()
	lost, err := beater.Heartbeat(ctx, tokens, lease)
	if err != nil {
		if !errors.Is(err, transport.ErrUnsupported) && !errors.Is(err, context.Canceled) {
			r.log.Warn("heartbeat failed", zap.Error(err), zap.Int("leases", len(tokens)))
		}
		return
	}
	for _, id := range lost {
		// One that is settled may have been reported in the meantime.
		if e := executions[id]; e != nil && e.lose() {
			r.log.Warn("lease lost", infoFields(e.info())...)
		}
	}
}
