package exo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/lineage"
	"github.com/exospherehost/exo-go/internal/retry"
)

// A Run is one execution of a graph.
type Run struct {
	ID      string
	manager *StateManager
}

// Graph reads the states of the run and which of them made which.
func (r *Run) Graph(ctx context.Context) (*RunGraph, error) {
	g, err := r.manager.transport.RunGraph(ctx, r.ID)
	if err != nil {
		return nil, fmt.Errorf("exo: get graph of run %s: %w", r.ID, err)
	}
	return &RunGraph{g}, nil
}

// Cancel cancels the run: states that are not executed yet never will be. If
// the state manager cannot cancel runs, the error is
// [transport.ErrUnsupported].
func (r *Run) Cancel(ctx context.Context) error {
	c, ok := r.manager.transport.(transport.Canceler)
	if !ok {
		return fmt.Errorf("exo: cancel run %s: %w", r.ID, transport.ErrUnsupported)
	}
	if err := c.CancelRun(ctx, r.ID); err != nil {
		return fmt.Errorf("exo: cancel run %s: %w", r.ID, err)
	}
	return nil
}

// State is a state of a run in full.
type State = transport.State

// A RunResult is a run with its states: as it ended ([Run.Wait]), or as it is
// while pending ([Run.Snapshot]).
type RunResult struct {
	ID      string
	Graph   string
	Status  RunStatus
	States  []State       // in order of creation
	Elapsed time.Duration // from the trigger to the last change; virtual time in exotest
}

// Step returns the states of a step in the order of the branches: that of the
// graph and of the outputs of fan-outs, not of completion. Attempts at the same
// work are adjacent, in order of creation. See [Outputs].
func (r *RunResult) Step(id string) []State {
	var states []State
	for _, i := range lineage.At(r.States, id) {
		states = append(states, r.States[i])
	}
	return states
}

// maxErrStates is the largest number of failed states in the error of a run.
const maxErrStates = 10

// Err returns nil for a run that succeeded. Otherwise the error lists failed
// states and their errors: the first ten, and the number of the others. States
// has all of them. A run
// that is still running is an error, too.
func (r *RunResult) Err() error {
	if r.Status == transport.RunSuccess {
		return nil
	}
	var errs []error
	failed := 0
	for _, s := range r.States {
		if !failedStatus(s.Status) {
			continue
		}
		if failed++; failed <= maxErrStates {
			errs = append(errs, fmt.Errorf("step %q, state %s: %s: %s", s.Identifier, s.ID, s.Status, s.Error))
		}
	}
	if failed > maxErrStates {
		errs = append(errs, fmt.Errorf("and %d more failed states", failed-maxErrStates))
	}
	err := fmt.Errorf("exo: run %s of graph %q is %s", r.ID, r.Graph, r.Status)
	if len(errs) > 0 { // a cancelled run has none
		err = fmt.Errorf("%w: %w", err, errors.Join(errs...))
	}
	return err
}

// Outputs decodes the outputs of every succeeded state of a step, in the order
// of the branches, so that lists of several steps line up. Siblings of a
// fan-out are in the order of the outputs, their descendants in the same order,
// and a retry has the place of the state that it replaces. This is also the
// order of [Collect] (protocol.md §8). Descendants of a state that was retried
// manually are left out.
//
// Of a run that is still running, these are the outputs so far.
func Outputs[Out any](r *RunResult, s *Step[Out]) ([]Out, error) {
	var outs []Out
	void := lineage.Void(r.States)
	for _, state := range r.Step(s.ID()) {
		if state.Status != transport.StatusSuccess || void[state.ID] {
			continue
		}
		out, err := s.decode(state.Outputs)
		if err != nil {
			return nil, fmt.Errorf("exo: outputs of step %q, state %s: %w", s.ID(), state.ID, err)
		}
		outs = append(outs, out)
	}
	return outs, nil
}

// Output is the output of a step that has succeeded once, as each step does that
// no fan-out comes before. Otherwise it is an error: the one of the run if that has
// failed, else one that says how often the step has succeeded.
func Output[Out any](r *RunResult, s *Step[Out]) (Out, error) {
	outs, err := Outputs(r, s)
	if err == nil && len(outs) == 1 {
		return outs[0], nil
	}
	var none Out
	if err == nil {
		err = r.Err()
	}
	if err == nil {
		err = fmt.Errorf("exo: output of step %q: it has succeeded %d times, not once: use Outputs", s.ID(), len(outs))
	}
	return none, err
}

// Wait waits until no state of the run is pending, and then reads its states.
// A run with failed states is a result, not an error: see [RunResult.Err].
// If a join can never run, Wait returns [ErrRunStuck] together with the result.
// While the state manager cannot be reached, Wait keeps trying until ctx ends.
func (r *Run) Wait(ctx context.Context) (*RunResult, error) {
	result, err := r.wait(ctx)
	if err != nil {
		return result, fmt.Errorf("exo: wait for run %s: %w", r.ID, err)
	}
	return result, nil
}

// runWait is how long the state manager is asked to hold its response until the
// run is terminal, if it can wait.
const runWait = 20 * time.Second

func (r *Run) wait(ctx context.Context) (*RunResult, error) {
	reader, _ := r.manager.transport.(transport.RunReader)
	failing := retry.NewBackoff()
	for {
		var (
			info   RunInfo
			states []State
			err    = error(transport.ErrUnsupported)
		)
		started := time.Now()
		if reader != nil {
			info, states, err = reader.Run(ctx, r.ID, runWait)
		}
		if errors.Is(err, transport.ErrUnsupported) {
			return r.poll(ctx)
		}
		switch {
		case err == nil && info.Status != transport.RunPending:
			return newRunResult(info, states), nil
		case err == nil && time.Since(started) > runWait/2: // it waited
			failing.Reset()
			continue
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil && !retry.Temporary(err):
			return nil, err
		}
		if retry.Sleep(ctx, retry.Next(failing, err)) != nil {
			return nil, context.Cause(ctx)
		}
	}
}

func newRunResult(info RunInfo, states []State) *RunResult {
	last := info.CreatedAt
	for _, s := range states {
		if s.UpdatedAt.After(last) {
			last = s.UpdatedAt
		}
	}
	return &RunResult{ID: info.ID, Graph: info.Graph, Status: info.Status, States: states, Elapsed: last.Sub(info.CreatedAt)}
}
