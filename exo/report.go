package exo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

const (
	// maxUnsent and maxUnsentBytes bound the outcomes that wait for the state
	// manager to take them; past them nothing more is claimed.
	maxUnsent      = 4096
	maxUnsentBytes = 64 << 20

	// maxBatch is the most reports that one call carries (protocol.md §13).
	maxBatch = 1000

	// reportTimeout bounds one attempt.
	reportTimeout = 30 * time.Second

	// stalledAfter is when a call is taken for slow, so that the reports which
	// gather behind it are sent by another; maxCalls bounds their number.
	stalledAfter = 20 * time.Millisecond
	maxCalls     = 16
)

// A reporter delivers outcomes. It sends what has gathered while the last call
// was under way (group commit): one call for many states under load, and none
// delayed when idle. An outcome is kept until the state manager has answered.
type reporter struct {
	runtime *Runtime

	mu      sync.Mutex
	pending []*execution
	spare   []*execution // emptied, for the next pending
	calls   int          // under way
	stalled int          // of those, slow ones
	unsent  int          // executions not delivered: pending, under way, or waiting for another attempt
	bytes   int          // their reports
	wait    backoff.BackOff
	closed  bool
	retries map[*time.Timer][]*execution

	taken chan struct{} // has a token when reports were delivered since the last look
	empty chan struct{} // the same, when none were left
}

func newReporter(r *Runtime) *reporter {
	return &reporter{
		runtime: r,
		wait:    r.config.reportBackoff(),
		retries: make(map[*time.Timer][]*execution),
		taken:   make(chan struct{}, 1),
		empty:   make(chan struct{}, 1),
	}
}

// add takes a settled execution for delivery. It does not block.
func (p *reporter) add(e *execution) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.pending = append(p.pending, e)
	p.unsent++
	p.bytes += e.size
	p.send()
}

// send starts a call for what is pending, unless one is under way that is not
// stalled. The lock is held.
func (p *reporter) send() {
	if len(p.pending) > 0 && p.calls <= p.stalled && p.calls < maxCalls {
		p.calls++
		go p.run()
	}
}

// run delivers until nothing is pending.
func (p *reporter) run() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.pending) > 0 {
		batch := p.pending
		p.pending, p.spare = p.spare[:0], nil
		if len(batch) > maxBatch {
			p.pending = append(p.pending, batch[maxBatch:]...)
			batch = batch[:maxBatch]
		}
		p.mu.Unlock()
		p.deliver(batch)
		p.mu.Lock()
		clear(batch)
		p.spare = batch[:0]
		if p.calls-1 > p.stalled { // another has taken over in the meantime
			break
		}
	}
	p.calls--
}

// deliver makes one attempt for a batch.
func (p *reporter) deliver(batch []*execution) {
	reports := make([]transport.Report, len(batch))
	for i, e := range batch {
		reports[i] = e.report
	}
	ctx, cancel := context.WithTimeout(context.Background(), reportTimeout)
	defer cancel()
	stalled, over := false, false // guarded by p.mu
	watch := time.AfterFunc(stalledAfter, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !over {
			stalled = true
			p.stalled++
			p.send()
		}
	})
	errs := p.runtime.transport.Report(ctx, reports)
	watch.Stop()

	var again []*execution
	var cause error
	for i, e := range batch {
		var err error
		if errs != nil {
			err = errs[i]
		}
		if p.answered(e, err) {
			continue
		}
		again, cause = append(again, e), err
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	over = true
	if stalled {
		p.stalled--
	}
	if len(again) == 0 {
		p.wait.Reset()
	} else {
		p.later(again, cause)
	}
	p.delivered(batch, again)
}

// answered reports whether the state manager has said its last word about an
// execution, good or bad.
func (p *reporter) answered(e *execution, err error) bool {
	r := p.runtime
	var answer *transport.Error
	switch {
	case err == nil:
	case errors.Is(err, transport.ErrConflict):
		r.log.Warn("report refused: the state is no longer this runtime's", append(infoFields(e.info()), zap.Error(err))...)
	case e.unanswered && transport.IsNotQueued(err):
		// An earlier attempt was taken, and its answer lost.
		err = nil
	case unauthorized(err):
		r.counters.refused(err, r.log)
		return false
	case temporary(err):
		e.unanswered = true
		return false
	case e.outcome.Kind == Executed && errors.As(err, &answer) &&
		(answer.Status == http.StatusRequestEntityTooLarge || answer.Status == http.StatusUnprocessableEntity):
		// The outputs will never be taken; the state must not be stuck for it.
		e.outcome, e.report.Outcome, _ = r.failed(e, Permanent(fmt.Errorf("the state manager refuses the outputs: %w", err)))
		return false
	default:
		r.log.Error("report refused", append(infoFields(e.info()), zap.Stringer("outcome", e.outcome.Kind), zap.Error(err))...)
	}
	r.counters.reported(err)
	r.traceReported(e, err)
	return true
}

// later plans another attempt for executions that got no answer. The lock is
// held.
func (p *reporter) later(again []*execution, cause error) {
	delay := nextDelay(p.wait, cause)
	if delay == backoff.Stop {
		for _, e := range again {
			p.runtime.log.Error("gave up reporting", append(infoFields(e.info()), zap.Error(cause))...)
			p.runtime.counters.reported(cause)
			p.runtime.traceReported(e, cause)
		}
		p.forget(again)
		return
	}
	if unauthorized(cause) {
		delay = max(delay, refusedInterval)
	} else {
		p.runtime.log.Warn("cannot report yet", zap.Int("states", len(again)), zap.Error(cause), zap.Duration("retry_in", delay))
	}
	var t *time.Timer
	t = time.AfterFunc(delay, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if waiting, ok := p.retries[t]; ok {
			delete(p.retries, t)
			p.pending = append(p.pending, waiting...)
			p.send()
		}
	})
	p.retries[t] = again
}

// delivered forgets the executions of a batch but for those that are tried
// again. The lock is held.
func (p *reporter) delivered(batch, again []*execution) {
	kept := 0
	done := batch[:0:0]
	for _, e := range batch {
		if kept < len(again) && again[kept] == e {
			kept++
			continue
		}
		done = append(done, e)
	}
	p.forget(done)
}

// forget drops executions that are over. The lock is held.
func (p *reporter) forget(done []*execution) {
	if len(done) == 0 {
		return
	}
	for _, e := range done {
		p.unsent--
		p.bytes -= e.size
		p.runtime.held.remove(e)
	}
	notify(p.taken)
	if p.unsent == 0 {
		notify(p.empty)
	}
}

// full reports whether no more outcomes should be made until some are
// delivered.
func (p *reporter) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unsent >= maxUnsent || p.bytes >= maxUnsentBytes
}

// unreported is the number of outcomes that are not delivered.
func (p *reporter) unreported() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unsent
}

// flush waits until all is delivered, or ctx ends. It returns how many were
// not.
func (p *reporter) flush(ctx context.Context) int {
	for {
		left := p.unreported()
		if left == 0 {
			return 0
		}
		select {
		case <-p.empty:
		case <-ctx.Done():
			return left
		}
	}
}

// close gives up what is not delivered.
func (p *reporter) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.pending = nil
	for t := range p.retries {
		t.Stop()
	}
	clear(p.retries)
}
