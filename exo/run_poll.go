package exo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
)

// stuckPolls is the number of polls in a row that a join must be missing before
// it counts as stuck: the reference server creates joins some time after the
// state that they waited for.
const stuckPolls = 5

// poll waits for a run by reading its states repeatedly, for state managers
// that cannot wait. One read is not enough there: between the last branch of a
// join and the join, no state is pending. So the run must look the same,
// without pending states, twice in a row, and longer while a join is missing.
func (r *Run) poll(ctx context.Context) (*RunResult, error) {
	failing := retry.NewBackoff()
	states, looks := 0, 0 // the number of states when none was pending, and of polls that found them so
	for {
		g, err := r.manager.transport.RunGraph(ctx, r.ID)
		delay := r.manager.config.pollInterval
		switch {
		case err == nil && !atRest(g):
			looks = 0
			failing.Reset()
		case err == nil && len(g.States) != states:
			states, looks = len(g.States), 1
		case err == nil:
			looks++
			result, err := r.settled(ctx, g, looks)
			if result != nil || err != nil {
				return result, err
			}
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !retry.Temporary(err):
			return nil, err
		default:
			delay = retry.Next(failing, err)
		}
		if retry.Sleep(ctx, delay) != nil {
			return nil, context.Cause(ctx)
		}
	}
}

// settled returns the result of a run that had no pending state in that many
// polls, or nil if a missing join may still come.
func (r *Run) settled(ctx context.Context, g transport.RunGraph, looks int) (*RunResult, error) {
	result, err := r.readStates(ctx, g)
	if err != nil {
		return nil, err
	}
	graph, err := r.manager.transport.Graph(ctx, g.Graph)
	if err != nil {
		return nil, fmt.Errorf("get graph %q: %w", g.Graph, err)
	}
	stuck := result.StuckJoins(graph.Nodes)
	switch {
	case result.Status == transport.RunPending: // a state was retried by hand meanwhile
		return nil, nil
	case len(stuck) == 0:
		return result, nil
	case looks < stuckPolls:
		return nil, nil // not yet
	}
	return result, fmt.Errorf("%w: %s", ErrRunStuck, strings.Join(stuck, "; "))
}

func pending(s Status) bool {
	switch s {
	case transport.StatusCreated, transport.StatusQueued, transport.StatusExecuted:
		return true
	default:
		return false
	}
}

func failedStatus(s Status) bool {
	return s == transport.StatusErrored || s == transport.StatusNextCreatedError
}

// atRest reports whether the run has begun and none of its states is pending.
func atRest(g transport.RunGraph) bool {
	return len(g.States) > 0 && !slices.ContainsFunc(g.States, func(s transport.StateNode) bool { return pending(s.Status) })
}

// readStates reads the states of a run one by one.
func (r *Run) readStates(ctx context.Context, g transport.RunGraph) (*RunResult, error) {
	info := RunInfo{ID: r.ID, Graph: g.Graph, Status: transport.RunPending}
	states := make([]State, len(g.States))
	for i, s := range g.States {
		state, err := r.manager.transport.State(ctx, g.Graph, r.ID, s.ID)
		if err != nil {
			return nil, fmt.Errorf("get state %s: %w", s.ID, err)
		}
		states[i] = state
		count(&info, state.Status)
		if info.CreatedAt.IsZero() || state.CreatedAt.Before(info.CreatedAt) {
			info.CreatedAt = state.CreatedAt
		}
	}
	// The counter in an ID orders states created in the same millisecond.
	slices.SortFunc(states, func(a, b State) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return newRunResult(info, states), nil
}
