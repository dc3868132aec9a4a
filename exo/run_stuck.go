package exo

import (
	"fmt"

	"github.com/exospherehost/exo-go/exo/transport"
)

// StuckJoins returns which joins among the placements of a graph are missing
// from the run: the anchor succeeded, nothing below it failed or is pending,
// and still the join was not created. A join that waits for a failed branch is
// not stuck: the run has failed.
func (r *RunResult) StuckJoins(graph []transport.Placement) []string {
	var stuck []string
	for _, p := range graph {
		if p.Unites == nil {
			continue
		}
		for _, anchor := range r.Step(p.Unites.Identifier) {
			if anchor.Status != transport.StatusSuccess || r.hasChild(anchor.ID, p.Identifier) {
				continue
			}
			if why := r.lastUnder(anchor.ID); why != "" {
				stuck = append(stuck, fmt.Sprintf("step %q never ran for state %s of step %q: %s", p.Identifier, anchor.ID, anchor.Identifier, why))
			}
		}
	}
	return stuck
}

// hasChild reports whether a state of the step was made from that state.
func (r *RunResult) hasChild(stateID, step string) bool {
	for _, s := range r.States {
		if n := len(s.Parents); s.Identifier == step && n > 0 && s.Parents[n-1].StateID == stateID {
			return true
		}
	}
	return false
}

// lastUnder describes how the last branch below a state ended. It returns "" if
// one of them failed or is pending, so that nothing is stuck.
func (r *RunResult) lastUnder(stateID string) string {
	var last *State
	for i := range r.States {
		s := &r.States[i]
		if !descends(s, stateID) {
			continue
		}
		if pending(s.Status) || failedStatus(s.Status) || s.Status == transport.StatusCancelled {
			return ""
		}
		if last == nil || !s.UpdatedAt.Before(last.UpdatedAt) {
			last = s
		}
	}
	if last == nil {
		return "it has no branches"
	}
	return fmt.Sprintf("its last branch ended at step %q, %s", last.Identifier, last.Status)
}

func descends(s *State, stateID string) bool {
	for _, p := range s.Parents {
		if p.StateID == stateID {
			return true
		}
	}
	return false
}
