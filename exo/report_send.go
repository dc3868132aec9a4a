package exo

import (
	"context"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
)

const (
	// maxBatch is the largest number of reports per call (protocol.md §13).
	maxBatch = 1000

	// stalledAfter is the time after which a sender counts as slow, so that
	// another one sends the reports that gather behind it.
	stalledAfter = 20 * time.Millisecond
)

// senders are the goroutines that send what is queued. Each sends what has
// gathered during the last call (group commit): one call for many states under
// load, and no delay when idle.
type senders struct {
	running int
	stalled int // number of slow senders
}

// A flow says how reports are sent: the number per call and the number of
// senders. Stalled senders do not count towards it, up to a limit.
type flow struct{ batch, senders, most int }

var (
	batched = flow{batch: maxBatch, senders: 1, most: 16}
	single  = flow{batch: 1, senders: 64, most: 64}
)

// flow returns the flow that suits the state manager now.
func (p *reporter) flow() flow {
	if p.batcher != nil && p.batchSize() == 1 {
		return single
	}
	return batched
}

// batchSize is 0 if the transport panics.
func (p *reporter) batchSize() (n int) {
	var err error
	defer p.runtime.survive(&err)
	return p.batcher.ReportBatch()
}

// send starts a sender for what is queued, unless there are enough that are not
// stalled. The lock is held.
func (p *reporter) send(f flow) {
	if s := &p.senders; s.running-s.stalled < f.senders && s.running < f.most && p.sendable() {
		s.running++
		go p.run()
	}
}

// sendable reports whether anything can be sent now. If not because the state
// manager asked for no calls, a resend is planned for the time when it may be
// sent. The lock is held.
func (p *reporter) sendable() bool { return len(p.queue) > 0 && !p.resends.held() }

// run is a sender: it delivers until nothing is queued.
func (p *reporter) run() {
	defer p.leave()
	var sent []*execution
	for {
		f := p.flow()
		batch := p.next(f, sent)
		if batch == nil {
			return
		}
		p.deliver(batch, f)
		sent = batch
	}
}

// leave ends a sender, possibly because a hook has ended its goroutine.
func (p *reporter) leave() {
	f := p.flow()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.senders.running--
	p.send(f)
}

// next takes the reports of one call out of the queue, in exchange for the
// batch sent before, and makes sure that the rest is sent as well. A report
// that must be sent alone is. It returns nothing to a sender that others have
// replaced.
func (p *reporter) next(f flow, sent []*execution) []*execution {
	p.mu.Lock()
	defer p.mu.Unlock()
	if sent != nil {
		clear(sent)
		p.spare = sent[:0]
	}
	if !p.sendable() || p.senders.running-p.senders.stalled > f.senders {
		return nil
	}
	all, n := p.queue, 1
	for !all[0].alone && n < len(all) && n < f.batch && !all[n].alone {
		n++
	}
	if p.queue = all[n:]; n == len(all) {
		p.queue, p.spare = p.spare, nil
	}
	p.send(f)
	return all[:n:n]
}

// deliver makes one attempt for a batch.
func (p *reporter) deliver(batch []*execution, f flow) {
	if f.most > f.senders {
		defer p.watch()()
	}
	errs := p.call(batch)
	var again, apart []*execution
	over := batch[:0]
	for i, e := range batch {
		err := responseTo(errs, i)
		if err != nil && p.isSuperseded(e) { // would also be refused if it was accepted before
			e.maybeTaken = e.maybeTaken || retry.MaybeDone(err)
			again = append(again, e)
			continue
		}
		switch p.runtime.respond(e, err, len(batch) == 1) {
		case settled:
			over = append(over, e)
		case unanswered:
			again = append(again, e)
		case refusedInCompany:
			apart = append(apart, e)
		}
	}
	// Deferred, because a hook may end the goroutine.
	defer func() { p.later(again) }()
	defer func() { p.enqueue(apart) }()
	p.conclude(over)
}

// call reports a batch.
func (p *reporter) call(batch []*execution) (errs []error) {
	reports := make([]transport.Report, len(batch))
	for i, e := range batch {
		reports[i] = e.report
	}
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	var panicked error
	defer func() {
		if panicked != nil {
			errs = slices.Repeat([]error{panicked}, len(batch))
		}
	}()
	defer p.runtime.survive(&panicked)
	return p.runtime.transport.Report(ctx, reports)
}

// enqueue queues executions that their owner gives back.
func (p *reporter) enqueue(again []*execution) {
	if len(again) == 0 {
		return
	}
	f := p.flow()
	var superseded []*execution
	p.mu.Lock()
	for _, e := range again {
		if e.superseded {
			superseded = append(superseded, e)
		} else if !p.closed() {
			p.queue = append(p.queue, e)
		}
	}
	p.send(f)
	p.mu.Unlock()
	for _, e := range superseded {
		p.supplant(e)
	}
}

// watch counts a sender as stalled after a while. The caller calls end when it
// goes on.
func (p *reporter) watch() (end func()) {
	stalled, over := false, false
	timer := time.AfterFunc(stalledAfter, func() {
		f := p.flow()
		p.mu.Lock()
		defer p.mu.Unlock()
		if !over {
			stalled = true
			p.senders.stalled++
			p.send(f)
		}
	})
	return func() {
		timer.Stop()
		p.mu.Lock()
		defer p.mu.Unlock()
		over = true
		if stalled {
			p.senders.stalled--
		}
	}
}
