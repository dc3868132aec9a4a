package exo

import (
	"context"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

const (
	// maxUnsent and maxUnsentBytes bound the outcomes that wait for the state
	// manager to take them; past them nothing more is claimed.
	maxUnsent      = 4096
	maxUnsentBytes = 64 << 20

	// maxBatch is the most reports that one call carries (protocol.md §13).
	maxBatch = 1000

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
	ctx     context.Context //nolint:containedctx // of the calls; ends with close
	cancel  context.CancelFunc

	mu        sync.Mutex
	pending   []*execution
	spare     []*execution // emptied, for the next pending
	calls     int          // under way
	stalled   int          // of those, slow ones
	unsent    int          // executions not delivered: pending, under way, or waiting for another attempt
	bytes     int          // what they keep in memory
	retries   map[*retry]struct{}
	notBefore time.Time // the state manager asked to be left alone until then
	hurried   bool      // there is not much time left
	closed    bool

	taken chan struct{} // has a token when reports were delivered since the last look
	empty chan struct{} // the same, when none were left
}

func newReporter(r *Runtime) *reporter {
	p := &reporter{
		runtime: r,
		retries: make(map[*retry]struct{}),
		taken:   make(chan struct{}, 1),
		empty:   make(chan struct{}, 1),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
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
	if p.calls <= p.stalled && p.calls < maxCalls && p.sendable() {
		p.calls++
		go p.run()
	}
}

// sendable reports whether there is anything to be sent now. If there is not
// because the state manager asked to be left alone, a retry is planned for
// when it may be sent. The lock is held.
func (p *reporter) sendable() bool {
	return len(p.pending) > 0 && (p.notBefore.IsZero() || !time.Now().Before(p.notBefore))
}

// run delivers until nothing is pending.
func (p *reporter) run() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.sendable() {
		batch := p.next()
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

// next takes what one call carries out of pending. A report that is to go by
// itself does. The lock is held.
func (p *reporter) next() []*execution {
	all, n := p.pending, 1
	for !all[0].alone && n < len(all) && n < maxBatch && !all[n].alone {
		n++
	}
	p.pending, p.spare = append(p.spare[:0], all[n:]...), nil
	clear(all[n:])
	return all[:n]
}

// deliver makes one attempt for a batch.
func (p *reporter) deliver(batch []*execution) {
	reports := make([]transport.Report, len(batch))
	for i, e := range batch {
		reports[i] = e.report
	}
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	end := p.begin()
	errs := p.runtime.transport.Report(ctx, reports)
	end()

	var done, again, apart []*execution
	for i, e := range batch {
		switch p.judge(e, answerTo(errs, i), len(batch) == 1) {
		case final:
			done = append(done, e)
		case unanswered:
			again = append(again, e)
		case refusedInCompany:
			apart = append(apart, e)
		}
	}
	if len(again) > 0 {
		done = append(done, p.later(again)...)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(done)
	if !p.closed {
		p.pending = append(p.pending, apart...)
	}
}

// begin counts a call, and after a while counts it as stalled. end is to be
// called when it is over.
func (p *reporter) begin() (end func()) {
	stalled, over := false, false
	watch := time.AfterFunc(stalledAfter, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !over {
			stalled = true
			p.stalled++
			p.send()
		}
	})
	return func() {
		watch.Stop()
		p.mu.Lock()
		defer p.mu.Unlock()
		over = true
		if stalled {
			p.stalled--
		}
	}
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
// not. From now on attempts follow one another quickly.
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
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.pending = nil
	for g := range p.retries {
		g.timer.Stop()
	}
	clear(p.retries)
}
