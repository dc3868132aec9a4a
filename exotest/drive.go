package exotest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
)

// Drive writes and triggers a graph and executes its states until the run is at
// rest. The nodes that the graph was built from are registered first; those of
// others, made by [exo.Remote], need a [RemoteStub].
//
// States are executed one at a time: those that are due first, and of these
// those that were created first. When none is due, time moves on to the next that
// will be. States of other runs take their turns.
//
// A run that fails is a result: see [WantSuccess]. The test ends if the graph is
// invalid, with all that is wrong with it, and if the run is stuck or endless,
// with the reason.
func (m *StateManager) Drive(t testing.TB, g *exo.Graph, opts exo.TriggerOptions) *exo.RunResult {
	t.Helper()
	result, err := m.tryDrive(t.Context(), t, g, opts)
	endBy(t, err, "drive graph %q", g.Name())
	return result
}

// TryDrive is Drive for graphs that are meant to be invalid, an
// [*exo.GraphInvalidError], or to get stuck: an error that is [exo.ErrRunStuck],
// beside the result as it was then.
func (m *StateManager) TryDrive(ctx context.Context, g *exo.Graph, opts exo.TriggerOptions) (*exo.RunResult, error) {
	return m.tryDrive(ctx, m.t, g, opts)
}

func (m *StateManager) tryDrive(ctx context.Context, t testing.TB, g *exo.Graph, opts exo.TriggerOptions) (*exo.RunResult, error) {
	t.Helper()
	r, err := m.trigger(ctx, g, opts)
	if err != nil {
		return nil, err
	}
	if err := m.driveRun(ctx, t, m.config.namespace, r.ID); err != nil {
		result, _ := m.result(r.ID) // it is there: it was triggered
		return result, err
	}
	return m.result(r.ID)
}

// Trigger writes and triggers a graph, and executes nothing yet: see
// [StateManager.Wait], [StateManager.DriveFor], [StateManager.DriveUntil] and
// [StateManager.Step].
func (m *StateManager) Trigger(t testing.TB, g *exo.Graph, opts exo.TriggerOptions) *exo.Run {
	t.Helper()
	r, err := m.trigger(t.Context(), g, opts)
	if err != nil {
		t.Fatalf("trigger graph %q: %v", g.Name(), err)
	}
	return r
}

// Upsert writes a graph, such as one with cron triggers, which start its runs as
// time passes.
func (m *StateManager) Upsert(t testing.TB, g *exo.Graph) {
	t.Helper()
	if _, err := m.upsert(t.Context(), g); err != nil {
		t.Fatalf("upsert graph %q: %v", g.Name(), err)
	}
}

// Wait drives until a run is at rest, as Drive does.
func (m *StateManager) Wait(t testing.TB, r *exo.Run) *exo.RunResult {
	t.Helper()
	endBy(t, m.driveRun(t.Context(), t, m.config.namespace, r.ID), "drive run")
	return m.Result(t, r)
}

// DriveFor executes all that becomes due within d, from now on, and lets all of d
// pass.
func (m *StateManager) DriveFor(t testing.TB, d time.Duration) {
	t.Helper()
	never := func() (bool, error) { return false, nil }
	endBy(t, m.drive(t.Context(), plan{t: t, until: never, bounded: true, end: m.clock.now().Add(d)}), "drive for %v", d)
}

// DriveUntil executes what is due, and lets time pass, until the condition holds.
// It is looked at before each execution. The test ends if it never will.
func (m *StateManager) DriveUntil(t testing.TB, condition func() bool) {
	t.Helper()
	endBy(t, m.drive(t.Context(), plan{t: t, until: func() (bool, error) { return condition(), nil }}), "drive until the condition holds")
}

// Step executes the state that is due next, for which time moves on if need be.
// It reports false if there is none.
func (m *StateManager) Step(t testing.TB) (Execution, bool) {
	t.Helper()
	var x *Execution
	err := m.drive(t.Context(), plan{
		t:        t,
		until:    func() (bool, error) { return x != nil, nil },
		executed: func(e Execution) { x = &e },
	})
	if errors.Is(err, errIdle) {
		return Execution{}, false
	}
	endBy(t, err, "step")
	return *x, true
}

// Result reads a run as it is now, at rest or not.
func (m *StateManager) Result(t testing.TB, r *exo.Run) *exo.RunResult {
	t.Helper()
	result, err := m.result(r.ID)
	if err != nil {
		t.Fatalf("read run: %v", err)
	}
	return result
}

// Results reads the runs of a graph as they are now, in order of creation: those
// that cron triggers started, for example.
func (m *StateManager) Results(t testing.TB, g *exo.Graph) []*exo.RunResult {
	t.Helper()
	var results []*exo.RunResult
	for info, err := range m.client(t, view{m, true}).Runs(t.Context(), exo.OfGraph(g.Name())) {
		if err != nil {
			t.Fatalf("read runs of graph %q: %v", g.Name(), err)
		}
		r, err := m.result(info.ID)
		if err != nil {
			t.Fatalf("read run: %v", err)
		}
		results = append([]*exo.RunResult{r}, results...)
	}
	return results
}

// endBy ends the test with an error, if there is one.
func endBy(t testing.TB, err error, format string, args ...any) {
	t.Helper()
	switch {
	case errors.Is(err, errTestFailed):
		t.FailNow() // it has said why
	case err != nil:
		t.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
}

func (m *StateManager) upsert(ctx context.Context, g *exo.Graph) (*exo.StateManager, error) {
	m.start()
	if err := m.register(m.config.namespace, g.Nodes()); err != nil {
		return nil, err
	}
	client := m.client(m.t, view{m, true})
	if _, err := client.UpsertGraph(ctx, g); err != nil {
		return nil, m.adviseRemote(g, err)
	}
	return client, nil
}

// adviseRemote adds to the error of a graph what can be done about nodes of
// others.
func (m *StateManager) adviseRemote(g *exo.Graph, err error) error {
	for _, p := range g.Spec(m.config.namespace).Nodes {
		key := nodeKey{p.Namespace, p.Node}
		if n, runtime := m.nodes.server(key); n == nil && runtime == "" {
			return fmt.Errorf("%w\n\tnode %q of namespace %q is served by others: give it a function by exotest.RemoteStub", err, p.Node, p.Namespace)
		}
	}
	return err
}

func (m *StateManager) trigger(ctx context.Context, g *exo.Graph, opts exo.TriggerOptions) (*exo.Run, error) {
	client, err := m.upsert(ctx, g)
	if err != nil {
		return nil, err
	}
	return client.Trigger(ctx, g.Name(), opts)
}

func (m *StateManager) result(runID string) (*exo.RunResult, error) {
	info, states, err := m.start().Run(m.config.namespace, runID)
	if err != nil {
		return nil, err
	}
	last := info.CreatedAt
	for i := range states {
		if states[i].UpdatedAt.After(last) {
			last = states[i].UpdatedAt
		}
	}
	return &exo.RunResult{ID: info.ID, Graph: info.Graph, Status: info.Status, States: states, Elapsed: last.Sub(info.CreatedAt)}, nil
}

// driveRun drives until a run is at rest, and tells if it is stuck.
func (m *StateManager) driveRun(ctx context.Context, t testing.TB, namespace, runID string) error {
	err := m.drive(ctx, plan{t: t, until: func() (bool, error) { return m.engine.AtRest(namespace, runID) }})
	if errors.Is(err, errIdle) {
		return fmt.Errorf("%w: %s", exo.ErrRunStuck, m.whyPending(namespace, runID))
	}
	if err != nil {
		return err
	}
	return m.lostJoins(namespace, runID)
}

// An Execution is one that [StateManager.Step] made.
type Execution struct {
	Step    string
	Node    string
	RunID   string
	StateID string
	Attempt int // 0 the first time, then 1, 2, …
	Inputs  transport.Object
	Outcome exo.Outcome
	At      time.Duration // since the state manager was made
}

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
	engine := m.start()
	busy := make(map[string]int) // executions by step, for when they do not end
	executions := 0
	for turns := 0; ; turns++ {
		changed := m.change()
		engine.Advance(m.clock.now())
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
				engine.Advance(p.end)
				return nil
			}
		case ok:
			m.clock.pass(next, changed)
		case !m.clock.bubble || len(m.nodes.others()) == 0:
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
		namespace, s, ok := m.claimNext(now)
		if !ok {
			return Execution{}, false, nil
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
func (m *StateManager) claimNext(now time.Time) (namespace string, s transport.State, ok bool) {
	var first queue
	var earliest time.Time
	for _, q := range m.nodes.queues() {
		if due, found := m.engine.NextDue(q.namespace, q.nodes); found && !due.After(now) && (!ok || due.Before(earliest)) {
			first, earliest, ok = q, due, true
		}
	}
	if !ok {
		return "", s, false
	}
	states := m.engine.Claim(now, first.namespace, transport.ClaimRequest{Nodes: first.nodes, Max: 1})
	if len(states) == 0 { // a runtime was faster
		return "", s, false
	}
	m.rearm()
	return first.namespace, states[0], true
}

// next is when there will be something to do, if nobody else does anything.
func (m *StateManager) next() (time.Time, bool) {
	var first time.Time
	found := false
	consider := func(at time.Time, ok bool) {
		if ok && (!found || at.Before(first)) {
			first, found = at, true
		}
	}
	consider(m.flights.next())
	consider(m.engine.NextEvent())
	for _, q := range m.nodes.queues() {
		consider(m.engine.NextDue(q.namespace, q.nodes))
	}
	return first, found
}

// dueElsewhere is when the runtimes of a bubble have something to do next: now, if
// there is nothing, or if it has been due for a while.
func (m *StateManager) dueElsewhere() time.Time {
	now := m.clock.now()
	var first time.Time
	for _, q := range m.nodes.others() {
		if due, ok := m.engine.NextDue(q.namespace, q.nodes); ok && (first.IsZero() || due.Before(first)) {
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
func (m *StateManager) execute(ctx context.Context, namespace string, s transport.State, late bool) (Execution, bool, error) {
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
	if m.config.withoutExtensions {
		withoutExtensions(&s)
	}
	x.Outcome = executor.Execute(ctx, s)
	m.rearm()
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

// flights are states that the driver has claimed, and whose nodes take time.
type flights struct{ waiting []flight }

type flight struct {
	at        time.Time
	namespace string
	state     transport.State
}

// start keeps a state until its time has come. Of those of one time, the first
// to start is the first to land.
func (f *flights) start(at time.Time, namespace string, s transport.State) {
	i := len(f.waiting)
	for i > 0 && f.waiting[i-1].at.After(at) {
		i--
	}
	f.waiting = slices.Insert(f.waiting, i, flight{at, namespace, s})
}

func (f *flights) next() (time.Time, bool) {
	if len(f.waiting) == 0 {
		return time.Time{}, false
	}
	return f.waiting[0].at, true
}

// land gives the first state whose time has come.
func (f *flights) land(now time.Time) (flight, bool) {
	if len(f.waiting) == 0 || f.waiting[0].at.After(now) {
		return flight{}, false
	}
	first := f.waiting[0]
	f.waiting = f.waiting[1:]
	return first, true
}
