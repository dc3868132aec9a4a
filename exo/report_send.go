package exo

import (
	"context"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
)

const (
	// maxBatch is the most reports that one call carries (protocol.md §13).
	maxBatch = 1000

	// stalledAfter is when a sender is taken for slow, so that the reports which
	// gather behind it are sent by another.
	stalledAfter = 20 * time.Millisecond
)

// senders are the goroutines that send what is queued. Each sends what has
// gathered while the last call was under way (group commit): one call for many
// states under load, and none delayed when idle.
type senders struct {
	running int
	stalled int // of those, slow ones
}

// A flow is how reports are sent: so many in a call, and by so many senders, of
// which stalled ones do not count up to a limit.
type flow struct{ batch, senders, most int }

var (
	batched = flow{batch: maxBatch, senders: 1, most: 16}
	single  = flow{batch: 1, senders: 64, most: 64}
)

// flow is that of the state manager as it is now.
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

// sendable reports whether there is anything to be sent now. If there is not
// because the state manager asked to be left alone, a resend is planned for
// when it may be sent. The lock is held.
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

// leave ends a sender, perhaps because a hook has ended its goroutine.
func (p *reporter) leave() {
	f := p.flow()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.senders.running--
	p.send(f)
}

// next takes what one call carries out of the queue, in exchange for the batch
// that was sent before, and sees to it that what it leaves is sent as well. A
// report that is to go by itself does. There is nothing for a sender that others
// have taken over from.
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
		if err != nil && p.isSuperseded(e) { // it would be refused as well if it was taken before
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
	// Deferred, for a hook may end the goroutine.
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

// enqueue has executions sent that their owner gives back.
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

// watch counts a sender as stalled after a while. end is to be called when it
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
