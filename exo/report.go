package exo

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/exospherehost/exo-go/exo/transport"
)

const (
	// maxUnsent and maxUnsentBytes limit the outcomes that wait to be accepted
	// by the state manager. Beyond them nothing more is claimed.
	maxUnsent      = 4096
	maxUnsentBytes = 64 << 20
)

// A reporter delivers outcomes. An execution is added once it is settled, and
// stays until the state manager has given a final response:
//
//	add ─▶ queue ─▶ a sender ─▶ judge ─▶ conclude
//	         ▲                    │
//	         └───── a resend ◀────┘ no response
//
// Whoever takes an execution out of the queue or a resend owns it until it is
// put into one again, or concluded. No user code runs under the lock.
type reporter struct {
	runtime *Runtime
	batcher transport.BatchReporter // nil if the transport takes any number at once
	ctx     context.Context         //nolint:containedctx // of the calls; ends with close
	cancel  context.CancelFunc

	mu      sync.Mutex
	queue   []*execution // to be sent
	spare   []*execution // emptied, to be the next queue
	unsent  int          // executions not concluded, wherever they are
	bytes   int          // their memory
	senders senders
	resends resends

	taken chan struct{} // has a token when reports were concluded since the last look
	empty chan struct{} // the same, when none were left
}

func newReporter(r *Runtime) *reporter {
	p := &reporter{
		runtime: r,
		resends: resends{waiting: make(map[*resend]struct{})},
		taken:   make(chan struct{}, 1),
		empty:   make(chan struct{}, 1),
	}
	p.batcher, _ = r.transport.(transport.BatchReporter)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// add takes a settled execution for delivery. It does not block.
func (p *reporter) add(e *execution) {
	f := p.flow()
	p.mu.Lock()
	if p.closed() {
		p.mu.Unlock()
		return
	}
	p.unsent++
	p.bytes += e.size
	superseded := e.superseded
	if !superseded {
		p.queue = append(p.queue, e)
		p.send(f)
	}
	p.mu.Unlock()
	if superseded {
		p.supplant(e)
	}
}

// supersede is called when the state of a settled execution was claimed again.
// The report must not be sent from now on: without a lease it would count for
// the new claim.
func (p *reporter) supersede(e *execution) {
	p.mu.Lock()
	e.superseded = true
	found := p.remove(e)
	p.mu.Unlock()
	if found { // otherwise its sender or add handles it
		p.supplant(e)
	}
}

func (p *reporter) isSuperseded(e *execution) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return e.superseded
}

// remove removes an execution from where it waits. The lock is held.
func (p *reporter) remove(e *execution) (found bool) {
	list := &p.queue
	if e.resend != nil && slices.Contains(e.resend.executions, e) {
		list = &e.resend.executions
	}
	i := slices.Index(*list, e)
	if i >= 0 {
		*list = slices.Delete(*list, i, i+1)
	}
	return i >= 0
}

// errClaimedAgain is the failure of a report whose state was claimed again
// before the report was accepted.
var errClaimedAgain = fmt.Errorf("%w: the state was claimed again before its report was accepted", ErrLeaseLost)

// supplant concludes a superseded execution. If its report requeues the state
// and was sent, that is why the state could be claimed again: the report was
// accepted, and the response lost. A report that ends the state was not
// accepted: the state was given out again because a lease ended, or manually.
func (p *reporter) supplant(e *execution) {
	e.failure = nil
	if kind := e.outcome.Kind; !e.maybeTaken || kind != Requeued && kind != Returned {
		e.failure = errClaimedAgain
		p.runtime.log.Warn("state claimed again before its report was accepted; the earlier execution no longer counts", e.failureFields(errClaimedAgain)...)
	}
	p.conclude([]*execution{e})
}

// conclude ends the delivery of reports: each was accepted, or has failed
// permanently.
func (p *reporter) conclude(over []*execution) {
	if len(over) == 0 {
		return
	}
	defer p.forget(over) // also if a hook ends the goroutine
	for _, e := range over {
		p.runtime.reported(e)
	}
}

// reported publishes the result of a report.
func (r *Runtime) reported(e *execution) {
	r.counters.reported(e.failure)
	r.traceReported(e, e.redact.error(e.failure))
}

// forget removes concluded executions.
func (p *reporter) forget(over []*execution) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range over {
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

// unreported returns the number of outcomes that are not delivered.
func (p *reporter) unreported() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unsent
}

// flush waits until everything is delivered or ctx ends, and returns the number
// of outcomes that were not delivered. Attempts follow one another quickly from
// now on.
func (p *reporter) flush(ctx context.Context) int {
	p.hurry()
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
	p.cancel()
	p.queue = nil
	p.resends.stop()
}

func (p *reporter) closed() bool { return p.ctx.Err() != nil }
