package exo

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

const (
	// claimWait is how long a state manager that can is asked to hold a claim
	// until a state is due.
	claimWait = 20 * time.Second

	// putBackAfter is how soon a state that was claimed but not executed is due
	// again: as soon as the protocol can say.
	putBackAfter = time.Millisecond

	// unknownNodeAfter is the same for states of nodes that nobody registered
	// here: long enough that they do not come back at once.
	unknownNodeAfter = time.Second
)

// claimUntil claims states and hands them to workers until ctx ends. The
// contexts of the nodes descend from executing.
//
// A claim under way is never cancelled: its answer, lost, would take its
// states along. ctx only ends its wait; what it brings then is put back.
func (r *Runtime) claimUntil(ctx, executing context.Context) {
	uncancelled := context.WithoutCancel(ctx)
	pace := newPace(r.config.pollInterval)
	failing := newClaimBackoff()
	var plainOnly bool // the last claim was full, and nodes with a limit kept it small
	for ctx.Err() == nil {
		names, most := r.slots.claimable(r.config.batchSize, plainOnly)
		wait := claimWait
		if plainOnly {
			wait = 0 // others may be waiting
		}
		plainOnly = false
		if most == 0 || r.reporter.full() {
			r.awaitRoom(ctx)
			continue
		}
		start := time.Now()
		states, err := r.transport.Claim(uncancelled, transport.ClaimRequest{
			Nodes: names, Max: most, Wait: wait, Lease: r.config.lease, Stop: ctx.Done(),
		})
		took := time.Since(start)
		r.counters.claimed(len(states), err)
		r.traceClaimed(most, len(states), took, err)
		for _, s := range states {
			r.dispatch(ctx, executing, s)
		}
		switch {
		case err != nil:
			if !r.afterClaimError(ctx, failing, err) {
				return
			}
			continue
		case len(states) > 0:
			pace.found()
			plainOnly = len(states) >= most && len(r.slots.limited) > 0
		case took < wait/2: // the state manager did not wait for us
			pace.empty(ctx, r.reporter.taken)
		}
		failing.Reset()
	}
}

// awaitRoom waits until a worker came free or the reporter got rid of
// something, or ctx ends.
func (r *Runtime) awaitRoom(ctx context.Context) {
	select {
	case <-r.slots.freed:
	case <-r.reporter.taken:
	case <-ctx.Done():
	}
}

// dispatch hands a claimed state to an idle worker, or puts it back.
func (r *Runtime) dispatch(ctx, executing context.Context, s transport.State) {
	n := r.nodes[s.Node]
	e := newExecution(r, n, s)
	r.held.add(e)
	switch {
	case n == nil:
		r.counters.unknown(s.Node, r.log)
		e.putBack(unknownNodeAfter)
	case ctx.Err() != nil || !r.slots.take(s.Node):
		e.putBack(putBackAfter)
	default:
		e.begin(executing)
		r.work <- e
	}
}

// afterClaimError logs the error and waits. It reports false if ctx ended.
func (r *Runtime) afterClaimError(ctx context.Context, b backoff.BackOff, err error) bool {
	delay := nextDelay(b, err)
	if unauthorized(err) {
		// No attempt of ours mends a key; one that was rotated may come back.
		delay = max(delay, refusedInterval)
		r.counters.refused(err, r.log)
	} else {
		r.log.Warn("cannot claim states", zap.Error(err), zap.Duration("retry_in", delay))
	}
	if !sleep(ctx, delay) {
		return false
	}
	if temporary(err) {
		// The state manager may have been restarted and have lost the nodes.
		if err := r.transport.Register(ctx, r.name, r.specs); err != nil && ctx.Err() == nil {
			r.log.Debug("cannot register again yet", zap.Error(err))
		}
	}
	return true
}

// refusedInterval is the least time between attempts with a key that the state
// manager refuses.
const refusedInterval = 10 * time.Second

func unauthorized(err error) bool {
	var e *transport.Error
	return errors.As(err, &e) && (e.Status == 401 || e.Status == 403)
}

func newClaimBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(50*time.Millisecond),
		backoff.WithMaxInterval(15*time.Second),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(1), // full jitter: 0 to 30 seconds at the end
		backoff.WithMaxElapsedTime(0),
	)
}

// pace says how long to wait before the next claim where the state manager
// cannot hold one: little while work keeps coming, ever longer up to the poll
// interval when none does.
type pace struct {
	next, most time.Duration
}

// busyFraction is the part of the poll interval that is waited first.
const busyFraction = 128

func newPace(most time.Duration) *pace {
	p := &pace{most: most}
	p.found()
	return p
}

func (p *pace) found() { p.next = max(p.most/busyFraction, time.Millisecond) }

// empty waits after a claim that found nothing, until early has a token or ctx
// ends: a report just taken may have made new states.
func (p *pace) empty(ctx context.Context, early <-chan struct{}) {
	d := min(p.next, p.most)
	p.next = min(2*p.next, p.most)
	t := time.NewTimer(d/2 + rand.N(d/2+1) + d/4) // ¾ to 1¼ of d
	defer t.Stop()
	select {
	case <-t.C:
	case <-early:
		p.found()
	case <-ctx.Done():
	}
}
