package exo

import (
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/internal/retry"
	"go.uber.org/zap"
)

// hurriedInterval is the longest wait between attempts while the runtime stops,
// but for what the state manager asks for.
const hurriedInterval = 500 * time.Millisecond

// warnInterval is the least time between lines in the log about reports that had
// no response: there may be thousands of them.
const warnInterval = time.Second

// resends are the reports that wait for another attempt.
type resends struct {
	waiting   map[*resend]struct{} // for their timers
	notBefore time.Time            // the state manager asked to be left alone until then
	hurried   bool                 // there is not much time left
	warned    time.Time            // when it was last said that reports had no response
}

// A resend is reports that are to be sent again at the same time. Those that
// failed together the first time stay together, and have a backoff of their
// own: one that ends after some time or attempts counts theirs alone.
type resend struct {
	wait       backoff.BackOff // for whoever plans
	planned    bool            // a wait is being chosen, or under way
	executions []*execution    // that wait
	timer      *time.Timer
}

// held reports whether nothing may be sent yet.
func (s *resends) held() bool { return !s.notBefore.IsZero() && time.Now().Before(s.notBefore) }

// stop ends all waits for good.
func (s *resends) stop() {
	for g := range s.waiting {
		g.timer.Stop()
	}
	clear(s.waiting)
}

// later has executions sent again that got no response, or gives them up.
func (p *reporter) later(again []*execution) {
	if len(again) == 0 {
		return
	}
	var fresh *resend
	if slices.ContainsFunc(again, func(e *execution) bool { return e.resend == nil }) {
		fresh = &resend{wait: p.runtime.newBackoff()}
	}
	unplanned, superseded := p.group(again, fresh)
	for _, e := range superseded {
		p.supplant(e)
	}
	for _, g := range unplanned {
		p.plan(g)
	}
}

// group puts executions into the resends that they belong to. It gives those for
// which a wait must be chosen, and the executions that are not to be sent again.
func (p *reporter) group(again []*execution, fresh *resend) (unplanned []*resend, superseded []*execution) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range again {
		if e.superseded {
			superseded = append(superseded, e)
			continue
		}
		if e.resend == nil {
			e.resend = fresh
		}
		g := e.resend
		g.executions = append(g.executions, e)
		if !g.planned {
			g.planned = true
			unplanned = append(unplanned, g)
		}
	}
	return unplanned, superseded
}

// plan chooses how long a resend waits, or gives its reports up.
func (p *reporter) plan(g *resend) {
	first := p.first(g)
	if first == nil {
		return
	}
	cause := first.failure
	delay := retry.Next(g.wait, cause)
	if delay == backoff.Stop {
		p.giveUp(g)
		return
	}
	delay, states := p.schedule(g, delay, cause)
	if states > 0 {
		p.runtime.log.Warn("cannot report yet", zap.Int("states", states),
			zap.Error(first.redact.error(cause)), zap.Duration("retry_in", delay))
	}
}

// first is the first execution of a resend. It is nil, and the resend unplanned
// again, if all of them were superseded.
func (p *reporter) first(g *resend) *execution {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(g.executions) == 0 {
		g.planned = false
		return nil
	}
	return g.executions[0]
}

// schedule sets the timer of a resend, and gives the wait that it came to. If it
// is time to warn, it gives as well how many states are affected.
func (p *reporter) schedule(g *resend, delay time.Duration, cause error) (_ time.Duration, warn int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed() {
		return 0, 0
	}
	s := &p.resends
	if s.hurried {
		delay = min(delay, hurriedInterval)
	}
	refused := retry.Unauthorized(cause)
	if refused {
		delay = max(delay, retry.RefusedInterval)
	}
	now := time.Now()
	if until := now.Add(retry.After(cause)); until.After(now) && until.After(s.notBefore) {
		s.notBefore = until
	}
	delay = max(delay, s.notBefore.Sub(now))
	s.waiting[g] = struct{}{}
	g.timer = time.AfterFunc(delay, func() { p.resume(g) })
	if !refused && now.Sub(s.warned) >= warnInterval {
		s.warned, warn = now, p.unsent
	}
	return delay, warn
}

// release empties a resend. The lock is held.
func (g *resend) release() []*execution {
	executions := g.executions
	g.executions, g.planned = nil, false
	return executions
}

// giveUp concludes the reports of a resend whose backoff has ended.
func (p *reporter) giveUp(g *resend) {
	p.mu.Lock()
	over := g.release()
	p.mu.Unlock()
	for _, e := range over {
		p.runtime.log.Error("gave up reporting", e.failureFields(e.failure)...)
	}
	p.conclude(over)
}

// resume queues the reports of a resend.
func (p *reporter) resume(g *resend) {
	f := p.flow()
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, waits := p.resends.waiting[g]; !waits {
		return
	}
	delete(p.resends.waiting, g)
	p.queue = append(p.queue, g.release()...)
	p.send(f)
}

// hurry sends all again that waits for a later attempt: the runtime stops, and
// there is not much time left.
func (p *reporter) hurry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.resends
	if s.hurried {
		return
	}
	s.hurried = true
	for g := range s.waiting {
		g.timer.Reset(max(0, time.Until(s.notBefore)))
	}
}
