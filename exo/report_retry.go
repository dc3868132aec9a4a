package exo

import (
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/internal/retry"
	"go.uber.org/zap"
)

// hurriedInterval is the longest wait between attempts while the runtime stops,
// unless the state manager asks for more.
const hurriedInterval = 500 * time.Millisecond

// warnInterval is the shortest time between log lines about reports without a
// response: there may be thousands of them.
const warnInterval = time.Second

// resends holds the reports that wait for another attempt.
type resends struct {
	waiting   map[*resend]struct{} // those with timers
	notBefore time.Time            // the state manager asked for no calls until then
	hurried   bool                 // the runtime is stopping
	warned    time.Time            // when missing responses were last logged
}

// A resend is a group of reports to be sent again at the same time. Those that
// failed together the first time stay together and share a backoff, so that one
// report which ends after some time or attempts counts only theirs.
type resend struct {
	wait       backoff.BackOff // used by whoever plans
	planned    bool            // a wait is being chosen, or has begun
	executions []*execution    // those that wait
	timer      *time.Timer
}

// held reports whether nothing may be sent yet.
func (s *resends) held() bool { return !s.notBefore.IsZero() && time.Now().Before(s.notBefore) }

// stop ends all waits permanently.
func (s *resends) stop() {
	for g := range s.waiting {
		g.timer.Stop()
	}
	clear(s.waiting)
}

// later schedules executions without a response for another attempt, or gives
// them up.
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

// group puts executions into their resends. It returns the resends for which a
// wait must be chosen, and the executions that must not be sent again.
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

// plan chooses the wait of a resend, or gives up its reports.
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

// first returns the first execution of a resend. If all were superseded, it
// returns nil and the resend is unplanned again.
func (p *reporter) first(g *resend) *execution {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(g.executions) == 0 {
		g.planned = false
		return nil
	}
	return g.executions[0]
}

// schedule sets the timer of a resend and returns the resulting wait. If a
// warning is due, it also returns the number of affected states.
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

// hurry sends now everything that waits for a later attempt, because the
// runtime stops.
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
