package exo

import (
	"context"
	"errors"
	"fmt"

	"github.com/exospherehost/exo-go/exo/transport"
)

// Status reads where the run stands, in numbers of states. It is cheap: none of
// the states is read. A run is over once its status is not [RunPending].
//
// A state manager without the extension "run" is asked for the run's graph
// instead, and CreatedAt is zero. Between the last branch of a join and the join
// it may show a run that is not over as one that is; [Run.Wait] looks again.
func (r *Run) Status(ctx context.Context) (RunInfo, error) {
	info, err := r.status(ctx)
	if err != nil {
		return RunInfo{}, fmt.Errorf("exo: status of run %s: %w", r.ID, err)
	}
	return info, nil
}

func (r *Run) status(ctx context.Context) (RunInfo, error) {
	if reader, ok := r.manager.transport.(transport.RunReader); ok {
		if info, err := reader.RunInfo(ctx, r.ID); !errors.Is(err, transport.ErrUnsupported) {
			return info, err
		}
	}
	g, err := r.manager.transport.RunGraph(ctx, r.ID)
	if err != nil {
		return RunInfo{}, err
	}
	info := RunInfo{ID: r.ID, Graph: g.Graph}
	for _, s := range g.States {
		count(&info, s.Status)
	}
	return info, nil
}

// count adds a state to the numbers of a run, and says what that makes of the run
// (protocol.md §4). A run without states has not begun.
func count(info *RunInfo, s Status) {
	info.Total++
	cancelled := info.Status == transport.RunCancelled || s == transport.StatusCancelled
	switch {
	case pending(s):
		info.Pending++
	case failedStatus(s):
		info.Errored++
	case s == transport.StatusRetryCreated:
		info.Retried++
	case s != transport.StatusCancelled:
		info.Success++
	}
	switch {
	case cancelled:
		info.Status = transport.RunCancelled
	case info.Pending > 0:
		info.Status = transport.RunPending
	case info.Errored > 0:
		info.Status = transport.RunFailed
	default:
		info.Status = transport.RunSuccess
	}
}

// StepProgress is how far a run has come with one step.
type StepProgress struct {
	Step   string
	Node   string
	States map[Status]int // how many states the step has, by status
}

// Total is how many pieces of work there are so far: the states but those that a
// retry has replaced. It grows while the steps before this one go on.
func (p StepProgress) Total() int {
	total := -p.States[transport.StatusRetryCreated]
	for _, n := range p.States {
		total += n
	}
	return total
}

// Done is how many of Total are over, whatever their outcome.
func (p StepProgress) Done() int {
	done := p.Total()
	for s, n := range p.States {
		if pending(s) {
			done -= n
		}
	}
	return done
}

// Failed is how many of Total have failed permanently.
func (p StepProgress) Failed() int {
	failed := 0
	for s, n := range p.States {
		if failedStatus(s) {
			failed += n
		}
	}
	return failed
}

// Progress reads how far the run has come, step by step, in the order in which
// the steps were reached. Steps that no state has reached yet are not in it. It is
// one call to any state manager, and reads neither inputs nor outputs.
func (r *Run) Progress(ctx context.Context) ([]StepProgress, error) {
	g, err := r.manager.transport.RunGraph(ctx, r.ID)
	if err != nil {
		return nil, fmt.Errorf("exo: progress of run %s: %w", r.ID, err)
	}
	var steps []StepProgress
	places := make(map[string]int)
	for _, s := range g.States {
		i, ok := places[s.Identifier]
		if !ok {
			i = len(steps)
			places[s.Identifier] = i
			steps = append(steps, StepProgress{Step: s.Identifier, Node: s.Node, States: make(map[Status]int)})
		}
		steps[i].States[s.Status]++
	}
	return steps, nil
}

// Snapshot reads the run and all of its states as they are now, without waiting
// for anything. It is how [Outputs] reads what a step has brought so far:
//
//	now, err := run.Snapshot(ctx)
//	…
//	found, err := exo.Outputs(now, search)
//
// A state manager without the extension "run" is asked for each state by itself,
// so the states of a run that goes on are from different moments.
func (r *Run) Snapshot(ctx context.Context) (*RunResult, error) {
	result, err := r.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("exo: snapshot of run %s: %w", r.ID, err)
	}
	return result, nil
}

func (r *Run) snapshot(ctx context.Context) (*RunResult, error) {
	if reader, ok := r.manager.transport.(transport.RunReader); ok {
		info, states, err := reader.Run(ctx, r.ID, 0)
		if err == nil {
			return newRunResult(info, states), nil
		}
		if !errors.Is(err, transport.ErrUnsupported) {
			return nil, err
		}
	}
	g, err := r.manager.transport.RunGraph(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return r.readStates(ctx, g)
}
