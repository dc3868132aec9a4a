package exo

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
	"go.uber.org/zap"
)

const (
	// claimWait is how long the state manager is asked to hold a claim until a
	// state is due, if it can wait.
	claimWait = 20 * time.Second

	// claimTimeout is the timeout of one claim. A state manager that has not
	// responded by then is taken to be gone.
	claimTimeout = claimWait + time.Minute

	// putBackAfter is the delay after which a state that was claimed but not
	// executed is due again: the shortest in the protocol.
	putBackAfter = time.Millisecond

	// unknownNodeAfter is the delay for states of nodes that this runtime does
	// not serve: long enough that they do not come back at once.
	unknownNodeAfter = time.Second
)

// A claimer claims states and hands them to workers, with one claim at a time.
type claimer struct {
	runtime *Runtime
	pace    *pace
	failing backoff.BackOff

	// most limits the number of states per claim after a response was too
	// large; 0 means no limit.
	most int

	// above is the size of the last claim if it was full and nodes with a limit
	// kept it small: the other nodes may have more states.
	above int

	// found reports whether the last claim returned states.
	found bool
}

// claimUntil claims states until ctx ends. The contexts of the nodes descend
// from executing, which does not end.
//
// The end of ctx does not cancel a claim in flight, because the states in a
// lost response would be lost too. It ends the claim's wait, and states that
// still arrive are requeued. Only a claim without a response for longer than a
// drain may take is given up.
func (r *Runtime) claimUntil(ctx, executing context.Context) {
	claiming, release := outlasting(ctx, max(r.config.drainTimeout, flushGrace))
	defer release()
	c := &claimer{runtime: r, pace: newPace(r.config.pollInterval), failing: retry.NewBackoff()}
	for ctx.Err() == nil {
		r.registerAgain(ctx)
		c.claim(ctx, claiming, executing)
	}
}

// claim makes one claim, if there is room for its states, and then waits as
// long as appropriate before the next.
func (c *claimer) claim(ctx, claiming, executing context.Context) {
	r := c.runtime
	waiting, wake := context.WithCancel(ctx) // wake: more nodes could be claimed for
	defer wake()
	if c.found {
		// Let workers begin with the new states. If more states are likely to
		// be due, let executions that are about to end do so, and claim for all
		// of them at once.
		runtime.Gosched()
	}
	above, wait := c.above, claimWait
	if c.above = 0; above > 0 {
		wait = 0 // more states may be due
	}
	names, most := r.slots.claimable(c.batch(), above, wake)
	switch {
	case r.reporter.full() || most == 0 && above == 0:
		r.awaitRoom(ctx)
		return
	case most == 0:
		return // no node has room: claim for all of them again
	}
	bounded, cancel := context.WithTimeout(claiming, claimTimeout)
	defer cancel()
	start := time.Now()
	states, err := r.claim(bounded, transport.ClaimRequest{
		Nodes: names, Max: most, Wait: wait, Lease: r.config.lease, Stop: waiting.Done(),
	})
	took := time.Since(start)
	r.counters.claimed(len(states), err)
	r.traceClaimed(most, len(states), took, err)
	for _, s := range states {
		r.dispatch(ctx, executing, s)
	}
	c.found = len(states) > 0
	c.fit(most, len(states), err)
	if err != nil {
		r.doubt(err)
		r.afterClaimError(ctx, c.failing, err)
		return
	}
	c.failing.Reset()
	switch {
	case len(states) > 0:
		c.pace.found()
		if len(states) >= most && r.slots.limits() {
			c.above = most
		}
	case took < wait/2 && waiting.Err() == nil: // the state manager did not wait
		c.pace.empty(ctx, r.reporter.taken)
	}
}

// claim makes the call.
func (r *Runtime) claim(ctx context.Context, req transport.ClaimRequest) (states []transport.Claimed, err error) {
	defer r.survive(&err)
	return r.transport.Claim(ctx, req)
}

// batch returns the largest number of states that one claim may ask for.
func (c *claimer) batch() int {
	if c.most > 0 {
		return min(c.most, c.runtime.config.batchSize)
	}
	return c.runtime.config.batchSize
}

// fit halves the size of claims when a response is too large, and increases it
// by one with every full claim after that. The states of the response that was
// too large come back when their leases end.
func (c *claimer) fit(asked, got int, err error) {
	switch {
	case errors.Is(err, transport.ErrAnswerTooLarge):
		c.most = max(asked/2, 1)
	case c.most > 0 && got >= asked:
		if c.most++; c.most >= c.runtime.config.batchSize {
			c.most = 0
		}
	}
}

// awaitRoom waits until a worker becomes idle, the reporter has delivered
// something, or ctx ends.
func (r *Runtime) awaitRoom(ctx context.Context) {
	select {
	case <-r.slots.freed:
	case <-r.reporter.taken:
	case <-ctx.Done():
	}
}

// dispatch hands a claimed state to an idle worker, or requeues it.
func (r *Runtime) dispatch(ctx, executing context.Context, s transport.Claimed) {
	n := r.nodes[s.Node]
	e := newExecution(r, n, s)
	switch {
	case n == nil:
		r.counters.unknown(s.Node, r.log)
		r.hold(e)
		e.putBack(unknownNodeAfter)
	case ctx.Err() != nil || !r.slots.take(s.Node):
		r.hold(e)
		e.putBack(putBackAfter)
	default:
		e.begin(executing, s.Inputs) // before a heartbeat can find the lease lost
		r.hold(e)
		r.workers.add(e)
	}
}

// hold adds an execution to those whose states the runtime holds. It ends an
// earlier execution of the same state: its node, if it still runs, for example
// because the state was requeued manually, and otherwise its report, if it is
// not accepted yet.
func (r *Runtime) hold(e *execution) {
	earlier := r.held.add(e)
	switch {
	case earlier == nil:
	case earlier.lose():
		r.log.Warn("state claimed again while executing; the earlier execution no longer counts", infoFields(e.info())...)
	default:
		r.reporter.supersede(earlier)
	}
}

// afterClaimError logs the error and waits before the next claim.
func (r *Runtime) afterClaimError(ctx context.Context, b backoff.BackOff, err error) {
	if ctx.Err() != nil {
		r.log.Warn("claim failed; states that it took come back when their leases end", zap.Error(err))
		return
	}
	delay := retry.Next(b, err)
	if retry.Unauthorized(err) {
		// A retry cannot fix a key, but a rotated key may become valid again.
		delay = max(delay, retry.RefusedInterval)
		r.counters.refused(err, r.log)
	} else {
		r.log.Warn("cannot claim states", zap.Error(err), zap.Duration("retry_in", delay))
	}
	_ = retry.Sleep(ctx, delay)
}

// pace computes the wait before the next claim where the state manager cannot
// hold one: short while work keeps coming, and growing up to the poll interval
// when there is none.
type pace struct {
	next, most time.Duration
}

// busyFraction is the fraction of the poll interval that is waited first.
const busyFraction = 128

func newPace(most time.Duration) *pace {
	p := &pace{most: most}
	p.found()
	return p
}

func (p *pace) found() { p.next = max(p.most/busyFraction, time.Millisecond) }

// empty waits after a claim that found nothing, until early has a token or ctx
// ends: a report that was just accepted may have made new states.
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
