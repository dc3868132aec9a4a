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
	// gather behind it are sent by another.
	stalledAfter = 20 * time.Millisecond
)

// A reporter delivers outcomes. It sends what has gathered while the last call
// was under way (group commit): one call for many states under load, and none
// delayed when idle. An outcome is kept until the state manager has answered.
type reporter struct {
	runtime *Runtime
	batcher transport.BatchReporter // nil: the transport takes any number at once
	ctx     context.Context         //nolint:containedctx // of the calls; ends with close
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
	warned    time.Time // when it was last said that reports had no answer
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
	p.batcher, _ = r.transport.(transport.BatchReporter)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// A flow is how reports are sent: so many in a call, and so many calls at once,
// of which stalled ones do not count up to a limit.
type flow struct{ batch, calls, most int }

var (
	batched = flow{batch: maxBatch, calls: 1, most: 16}
	single  = flow{batch: 1, calls: 64, most: 64}
)

// watched reports whether it matters that a call is stalled.
func (f flow) watched() bool { return f.most > f.calls }

// flow is that of the state manager as it is now.
func (p *reporter) flow() flow {
	if p.batcher != nil && p.batcher.ReportBatch() == 1 {
		return single
	}
	return batched
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

// send starts a call for what is pending, unless enough are under way that are
// not stalled. The lock is held.
func (p *reporter) send() {
	if f := p.flow(); p.calls-p.stalled < f.calls && p.calls < f.most && p.sendable() {
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

// run delivers until nothing is pending, and sees to it that what it leaves
// pending meanwhile is delivered as well.
func (p *reporter) run() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.sendable() {
		f := p.flow()
		if p.calls-p.stalled > f.calls { // others have taken over in the meantime
			break
		}
		batch := p.next(f.batch)
		p.send()
		p.mu.Unlock()
		p.deliver(batch, f)
		p.mu.Lock()
		clear(batch)
		p.spare = batch[:0]
	}
	p.calls--
}

// next takes what one call carries, at most so many, out of pending. A report
// that is to go by itself does. The lock is held.
func (p *reporter) next(most int) []*execution {
	all, n := p.pending, 1
	for !all[0].alone && n < len(all) && n < most && !all[n].alone {
		n++
	}
	if p.pending = all[n:]; n == len(all) {
		p.pending, p.spare = p.spare, nil
	}
	return all[:n:n]
}

// deliver makes one attempt for a batch.
func (p *reporter) deliver(batch []*execution, f flow) {
	errs := p.call(batch, f)
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

// call reports a batch.
func (p *reporter) call(batch []*execution, f flow) []error {
	reports := make([]transport.Report, len(batch))
	for i, e := range batch {
		reports[i] = e.report
	}
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	if f.watched() {
		defer p.watch()()
	}
	return p.runtime.transport.Report(ctx, reports)
}

// watch counts a call as stalled after a while. end is to be called when it is
// over.
func (p *reporter) watch() (end func()) {
	stalled, over := false, false
	timer := time.AfterFunc(stalledAfter, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !over {
			stalled = true
			p.stalled++
			p.send()
		}
	})
	return func() {
		timer.Stop()
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
