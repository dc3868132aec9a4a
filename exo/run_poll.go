package exo

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/exospherehost/exo-go/exo/transport"
)

// poll waits for a run by asking for its states again and again: for state
// managers that cannot wait themselves. One look is not enough there: between
// the last branch of a join and the join, no state is pending. So the run must
// look the same, and at rest, twice in a row.
func (r *Run) poll(ctx context.Context) (*RunResult, error) {
	failing := newClaimBackoff()
	rested := -1 // the number of states when the run was last seen at rest
	for {
		g, err := r.manager.transport.RunGraph(ctx, r.ID)
		delay := r.manager.config.pollInterval
		switch {
		case err == nil && atRest(g) && len(g.States) == rested:
			return r.readStates(ctx, g)
		case err == nil && atRest(g):
			rested = len(g.States)
		case err == nil:
			rested = -1
			failing.Reset()
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !temporary(err):
			return nil, err
		default:
			delay = nextDelay(failing, err)
		}
		if !sleep(ctx, delay) {
			return nil, context.Cause(ctx)
		}
	}
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

// atRest reports whether the run has begun and no state of it is pending.
func atRest(g transport.RunGraph) bool {
	return len(g.States) > 0 && !slices.ContainsFunc(g.States, func(s transport.StateNode) bool { return pending(s.Status) })
}

// readStates reads the states of a run one by one.
func (r *Run) readStates(ctx context.Context, g transport.RunGraph) (*RunResult, error) {
	info := RunInfo{ID: r.ID, Graph: g.Graph, Status: transport.RunSuccess}
	states := make([]State, len(g.States))
	for i, s := range g.States {
		state, err := r.manager.transport.StateDetail(ctx, g.Graph, r.ID, s.ID)
		if err != nil {
			return nil, fmt.Errorf("get state %s: %w", s.ID, err)
		}
		states[i] = state
		if failedStatus(s.Status) {
			info.Status = transport.RunFailed
		}
		if info.CreatedAt.IsZero() || state.CreatedAt.Before(info.CreatedAt) {
			info.CreatedAt = state.CreatedAt
		}
	}
	// The counter in an ID settles what was made in one millisecond.
	slices.SortFunc(states, func(a, b State) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return newRunResult(info, states), nil
}
