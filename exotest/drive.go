package exotest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// Drive writes and triggers a graph and executes its states until the run is
// terminal. The nodes that the graph was built from are registered first; those of
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
		t.Fatal(err)
	}
	return r
}

// Upsert writes a graph, such as one with cron triggers, which start its runs as
// time passes.
func (m *StateManager) Upsert(t testing.TB, g *exo.Graph) {
	t.Helper()
	if _, err := m.upsert(t.Context(), g); err != nil {
		t.Fatal(err)
	}
}

// Wait drives until a run is terminal, as Drive does.
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

// Result reads a run as it is now, terminal or not.
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
	for info, err := range m.client(t, m.calm()).Runs(t.Context(), exo.RunsOfGraph(g.Name())) {
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
	client := m.client(m.t, m.calm())
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
	return m.read(m.config.namespace, runID)
}

func (m *StateManager) read(namespace, runID string) (*exo.RunResult, error) {
	info, states, err := m.start().Run(m.config.ctx, namespace, runID, 0, statemanager.Part{Most: math.MaxInt, MostPending: math.MaxInt})
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

// driveRun drives until a run is terminal, and tells if it is stuck.
func (m *StateManager) driveRun(ctx context.Context, t testing.TB, namespace, runID string) error {
	err := m.drive(ctx, plan{t: t, until: func() (bool, error) { return m.server.AtRest(namespace, runID) }})
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
