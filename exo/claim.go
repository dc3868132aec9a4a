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
	// claimWait is how long a state manager that can is asked to hold a claim
	// until a state is due.
	claimWait = 20 * time.Second

	// claimTimeout bounds one claim. A state manager that has not answered by
	// then never will.
	claimTimeout = claimWait + time.Minute

	// putBackAfter is how soon a state that was claimed but not executed is due
	// again: as soon as the protocol can say.
	putBackAfter = time.Millisecond

	// unknownNodeAfter is the same for states of nodes that nobody registered
	// here: long enough that they do not come back at once.
	unknownNodeAfter = time.Second
)

// A claimer claims states and hands them to workers. It makes one claim at a
// time.
type claimer struct {
	runtime *Runtime
	pace    *pace
	failing backoff.BackOff

	// most bounds claims whose answers would be too large; 0: no bound.
	most int

	// above is the size of the last claim if it was full and nodes with a limit
	// kept it small: the others may have more.
	above int

	// found is set when the last claim brought something.
	found bool
}

// claimUntil claims states until ctx ends. The contexts of the nodes descend
// from executing, which does not end.
//
// The end of ctx does not cancel a claim under way: its answer, lost, would
// take its states along. It ends the wait, and what the claim still brings is
// put back. Only a claim that is not answered for longer than a drain may take
// is given up.
func (r *Runtime) claimUntil(ctx, executing context.Context) {
	claiming, release := outlasting(ctx, max(r.config.drainTimeout, flushGrace))
	defer release()
	c := &claimer{runtime: r, pace: newPace(r.config.pollInterval), failing: retry.NewBackoff()}
	for ctx.Err() == nil {
		r.registerAgain(ctx)
		c.claim(ctx, claiming, executing)
	}
}

// claim makes one claim, if there is room for what it may bring, and waits as
// long as is right before the next.
func (c *claimer) claim(ctx, claiming, executing context.Context) {
	r := c.runtime
	waiting, wake := context.WithCancel(ctx) // wake: more nodes could be asked for
	defer wake()
	if c.found {
		// Let workers begin with what was found. And if more is likely to come, let
		// those that are about to end do so, and claim for all of them at once.
		runtime.Gosched()
	}
	above, wait := c.above, claimWait
	if c.above = 0; above > 0 {
		wait = 0 // others may be waiting
	}
	names, most := r.slots.claimable(c.batch(), above, wake)
	switch {
	case r.reporter.full() || most == 0 && above == 0:
		r.awaitRoom(ctx)
		return
	case most == 0:
		return // none can take more: ask for all of them again
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
	case took < wait/2 && waiting.Err() == nil: // the state manager did not wait for us
		c.pace.empty(ctx, r.reporter.taken)
	}
}

// claim makes the call.
func (r *Runtime) claim(ctx context.Context, req transport.ClaimRequest) (states []transport.Claimed, err error) {
	defer r.survive(&err)
	return r.transport.Claim(ctx, req)
}

// batch is the most states that one claim may ask for.
func (c *claimer) batch() int {
	if c.most > 0 {
		return min(c.most, c.runtime.config.batchSize)
	}
	return c.runtime.config.batchSize
}

// fit halves what claims ask for when an answer is too large, and lets it grow
// by one with every full claim from then on. The states of an answer that is
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
		e.begin(executing, s.Inputs) // before a heartbeat can find that it is lost
		r.hold(e)
		r.workers.add(e)
	}
}

// hold counts an execution among those whose states are ours. That of an earlier
// claim of the same state ends: its node, if it still runs, as when somebody has
// requeued the state by hand, else its report, if it is not taken yet.
func (r *Runtime) hold(e *execution) {
	earlier := r.held.add(e)
	switch {
	case earlier == nil:
	case earlier.lose():
		r.log.Warn("claimed again while it executes; the earlier execution counts no more", infoFields(e.info())...)
	default:
		r.reporter.supersede(earlier)
	}
}

// afterClaimError logs the error and waits before the next claim.
func (r *Runtime) afterClaimError(ctx context.Context, b backoff.BackOff, err error) {
	if ctx.Err() != nil {
		r.log.Warn("the last claim failed; states that it took come back when their leases end", zap.Error(err))
		return
	}
	delay := retry.Next(b, err)
	if retry.Unauthorized(err) {
		// No attempt of ours mends a key; one that was rotated may come back.
		delay = max(delay, retry.RefusedInterval)
		r.counters.refused(err, r.log)
	} else {
		r.log.Warn("cannot claim states", zap.Error(err), zap.Duration("retry_in", delay))
	}
	_ = retry.Sleep(ctx, delay)
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
