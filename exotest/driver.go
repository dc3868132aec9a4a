package exotest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
)

// A plan is how far to drive.
type plan struct {
	t        testing.TB
	until    func() (bool, error)
	executed func(Execution)
	bounded  bool // by end
	end      time.Time
}

// errIdle: nothing is left to execute, nor will there be.
var errIdle = errors.New("nothing is left to execute, nor will be")

// turnsPerExecution is how many turns of the driver, most of which only let time
// pass, are taken for endless without as many executions as [WithLimit] says.
const turnsPerExecution = 10

// errTestFailed: a node, or its stub, has failed the test and then its state. It
// may have been by t.Fatal, which does not reach beyond the node's goroutine.
var errTestFailed = errors.New("the test has failed in a node")

// patience is how long, in a bubble, the driver waits for runtimes that change
// nothing though something is due.
const patience = 24 * time.Hour

func (m *StateManager) drive(ctx context.Context, p plan) error {
	m.start()
	busy := make(map[string]int) // executions by step, for when they do not end
	executions := 0
	for turns := 0; ; turns++ {
		changed := m.change()
		m.server.Advance()
		if done, err := p.until(); done || err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if executions >= m.config.limit || turns >= turnsPerExecution*m.config.limit {
			return fmt.Errorf("no end after %d executions in %v: %s; see exotest.WithLimit", executions, m.Elapsed(), busiest(busy))
		}
		failed := p.t.Failed()
		x, ok, err := m.work(ctx)
		if err != nil {
			return err
		}
		if x.Outcome.Kind == exo.Errored && p.t.Failed() && !failed {
			return errTestFailed
		}
		if ok {
			busy[x.Step]++
			executions++
			if p.executed != nil {
				p.executed(x)
			}
			continue
		}
		next, ok := m.next()
		switch {
		case p.bounded && (!ok || next.After(p.end)):
			m.clock.pass(p.end, changed)
			if !m.clock.now().Before(p.end) {
				m.server.Advance()
				return nil
			}
		case ok:
			m.clock.pass(next, changed)
		case !m.clock.bubble() || len(m.nodes.others()) == 0:
			return errIdle
		default:
			enough := m.dueElsewhere().Add(patience)
			m.clock.pass(enough, changed)
			if !m.clock.now().Before(enough) {
				return errIdle
			}
		}
	}
}

// busiest names the step that was executed most.
func busiest(executions map[string]int) string {
	var most string
	for step, n := range executions {
		if n > executions[most] || n == executions[most] && step < most {
			most = step
		}
	}
	if most == "" {
		return "only time passes"
	}
	return fmt.Sprintf("step %q was executed %d times", most, executions[most])
}

// work executes one state, if one is due.
func (m *StateManager) work(ctx context.Context) (Execution, bool, error) {
	now := m.clock.now()
	if f, ok := m.flights.land(now); ok {
		return m.execute(ctx, f.namespace, f.state, false)
	}
	for {
		namespace, s, ok, err := m.claimNext(ctx, now)
		if !ok || err != nil {
			return Execution{}, false, err
		}
		d, late, err := m.delayOf(namespace, s)
		if err != nil {
			return Execution{}, false, err
		}
		if d == 0 {
			return m.execute(ctx, namespace, s, late)
		}
		m.flights.start(now.Add(d), namespace, s)
	}
}

// claimNext claims the state that is due first, of all namespaces.
func (m *StateManager) claimNext(ctx context.Context, now time.Time) (namespace string, s transport.Claimed, ok bool, err error) {
	var first queue
	var earliest time.Time
	for _, q := range m.nodes.queues() {
		if due, found := m.server.NextDue(q.namespace, q.nodes); found && !due.After(now) && (!ok || due.Before(earliest)) {
			first, earliest, ok = q, due, true
		}
	}
	if !ok {
		return "", s, false, nil
	}
	states, err := m.server.Take(ctx, first.namespace, transport.ClaimRequest{Nodes: first.nodes, Max: 1})
	if len(states) == 0 || err != nil { // a runtime was faster
		return "", s, false, err
	}
	return first.namespace, states[0], true, nil
}

// next is when there will be something to do, if nothing else happens.
func (m *StateManager) next() (time.Time, bool) {
	var first time.Time
	found := false
	consider := func(at time.Time, ok bool) {
		if ok && (!found || at.Before(first)) {
			first, found = at, true
		}
	}
	consider(m.flights.next())
	consider(m.server.NextEvent())
	for _, q := range m.nodes.queues() {
		consider(m.server.NextDue(q.namespace, q.nodes))
	}
	return first, found
}

// dueElsewhere is when the runtimes of a bubble have something to do next: now, if
// there is nothing, or if it has been due for a while.
func (m *StateManager) dueElsewhere() time.Time {
	now := m.clock.now()
	var first time.Time
	for _, q := range m.nodes.others() {
		if due, ok := m.server.NextDue(q.namespace, q.nodes); ok && (first.IsZero() || due.Before(first)) {
			first = due
		}
	}
	if first.Before(now) {
		return now
	}
	return first
}

// execute executes a state that has been claimed. late: its delay is still to
// come.
func (m *StateManager) execute(ctx context.Context, namespace string, s transport.Claimed, late bool) (Execution, bool, error) {
	executor, err := m.executor(namespace)
	if err != nil {
		return Execution{}, false, err
	}
	x := Execution{
		Step: s.Identifier, Node: s.Node, RunID: s.RunID, StateID: s.ID, Attempt: s.Attempt,
		Inputs: append(transport.Object(nil), s.Inputs...), At: m.Elapsed(),
	}
	ctx, cancel := m.contextOf(ctx)
	defer cancel()
	ctx = context.WithValue(ctx, drivenKey{}, driven{attempt: s.Attempt, late: late})
	told := []transport.Claimed{s}
	m.server.Tell(told)
	x.Outcome = executor.Execute(ctx, told[0])
	return x, true, nil
}

// contextOf is that of [WithContext], and ends with ctx as well.
func (m *StateManager) contextOf(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx == m.config.ctx {
		return ctx, func() {}
	}
	both, cancel := context.WithCancelCause(m.config.ctx)
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	return both, func() { stop(); cancel(nil) }
}
