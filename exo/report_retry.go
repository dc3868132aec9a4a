package exo

import (
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

// hurriedInterval is the longest wait between attempts while the runtime stops,
// but for what the state manager asks for.
const hurriedInterval = 500 * time.Millisecond

// warnInterval is the least time between lines in the log about reports that had
// no answer: there may be thousands of them.
const warnInterval = time.Second

// A verdict is what the answer to a report means for it.
type verdict uint8

const (
	final            verdict = iota // the state manager has said its last word, good or bad
	unanswered                      // it may have been taken or not: to be sent again
	refusedInCompany                // it, or another in the same call, is not acceptable: to be sent by itself
)

var errNoAnswer = errors.New("the transport gave fewer answers than there were reports")

// answerTo is what Report said about the i-th report.
func answerTo(errs []error, i int) error {
	switch {
	case errs == nil:
		return nil
	case i < len(errs):
		return errs[i]
	}
	return errNoAnswer
}

// judge says what the answer to the report of an execution means. alone: the
// call carried no other report.
func (p *reporter) judge(e *execution, err error, alone bool) verdict {
	r := p.runtime
	switch {
	case err == nil:
	case errors.Is(err, transport.ErrConflict):
		r.log.Warn("report refused: the state is no longer this runtime's", e.failureFields(err)...)
	case e.unanswered && transport.IsNotQueued(err):
		// An earlier attempt was taken, and its answer lost.
		err = nil
	case unauthorized(err):
		r.counters.refused(e.redact.error(err), r.log)
		e.failure = err
		return unanswered
	case temporary(err):
		r.doubt(err)
		e.unanswered, e.failure = true, err
		return unanswered
	case transport.IsNotQueued(err), errors.Is(err, transport.ErrNotFound):
		r.doubt(err)
		r.log.Error("report refused", e.failureFields(err)...)
	case !alone:
		// A call is refused whole for what one report in it is, or because they
		// are too large together.
		e.alone = true
		return refusedInCompany
	case e.outcome.Kind == Executed || e.outcome.Kind == Pruned:
		// They will never be taken; the state must not be stuck for it.
		what := "outputs"
		if e.outcome.Kind == Pruned {
			what = "data of the prune"
		}
		e.outcome, e.report.Outcome, _ = r.failed(e, Permanent(fmt.Errorf("the state manager refuses the %s: %w", what, err)))
		e.alone = true
		return refusedInCompany
	default:
		r.log.Error("report refused", e.failureFields(err)...)
	}
	p.over(e, err)
	return final
}

// over tells that nothing more will be done about a report.
func (p *reporter) over(e *execution, err error) {
	p.runtime.counters.reported(err)
	p.runtime.traceReported(e, e.redact.error(err))
}

// A retry is reports that are to be sent again at the same time. Those that
// failed together the first time stay together, and have a backoff of their
// own: one that ends after some time or attempts counts theirs alone.
type retry struct {
	wait       backoff.BackOff
	executions []*execution // that wait for the timer
	timer      *time.Timer
}

// later plans another attempt for executions that got no answer. It returns
// those that are given up.
func (p *reporter) later(again []*execution) (gaveUp []*execution) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	var warnings []zap.Field
	for _, g := range p.group(again) {
		first := g.executions[0]
		delay := nextDelay(g.wait, first.failure)
		if delay == backoff.Stop {
			gaveUp = append(gaveUp, g.executions...)
			g.executions = nil
			continue
		}
		delay = p.schedule(g, delay, first.failure)
		if !unauthorized(first.failure) && time.Since(p.warned) >= warnInterval {
			p.warned = time.Now()
			warnings = []zap.Field{zap.Int("states", p.unsent), zap.Error(first.redact.error(first.failure)), zap.Duration("retry_in", delay)}
		}
	}
	p.mu.Unlock()

	if warnings != nil {
		p.runtime.log.Warn("cannot report yet", warnings...)
	}
	for _, e := range gaveUp {
		p.runtime.log.Error("gave up reporting", e.failureFields(e.failure)...)
		p.over(e, e.failure)
	}
	return gaveUp
}

// group puts executions into the retries that they belong to, and gives those
// that have no timer yet. The lock is held.
func (p *reporter) group(again []*execution) []*retry {
	var groups []*retry
	var fresh *retry
	for _, e := range again {
		if e.retry == nil {
			if fresh == nil {
				fresh = &retry{wait: p.runtime.config.reportBackoff()}
				fresh.wait.Reset()
			}
			e.retry = fresh
		}
		g := e.retry
		if len(g.executions) == 0 {
			groups = append(groups, g)
		}
		g.executions = append(g.executions, e)
	}
	return groups
}

// schedule sets the timer of a retry, and gives the wait that it came to. The
// lock is held.
func (p *reporter) schedule(g *retry, delay time.Duration, cause error) time.Duration {
	if p.hurried {
		delay = min(delay, hurriedInterval)
	}
	if unauthorized(cause) {
		delay = max(delay, refusedInterval)
	}
	now := time.Now()
	if until := now.Add(retryAfter(cause)); until.After(now) && until.After(p.notBefore) {
		p.notBefore = until
	}
	delay = max(delay, p.notBefore.Sub(now))
	p.retries[g] = struct{}{}
	g.timer = time.AfterFunc(delay, func() { p.resume(g) })
	return delay
}

// resume sends the reports of a retry again.
func (p *reporter) resume(g *retry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, waits := p.retries[g]; !waits {
		return
	}
	delete(p.retries, g)
	p.pending = append(p.pending, g.executions...)
	g.executions = nil
	p.send()
}

// hurry sends all again that waits for a later attempt: the runtime stops, and
// there is not much time left.
func (p *reporter) hurry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hurried {
		return
	}
	p.hurried = true
	for g := range p.retries {
		g.timer.Reset(max(0, time.Until(p.notBefore)))
	}
}
