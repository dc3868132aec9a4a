package exotest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
)

// lostJoins is an error that is [exo.ErrRunStuck] if a terminal run has lost joins,
// as happens by the reference server's rules.
func (m *StateManager) lostJoins(namespace, runID string) error {
	r, placements, err := m.runOf(namespace, runID)
	if err != nil {
		return err
	}
	lost := r.StuckJoins(placements)
	if len(lost) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", exo.ErrRunStuck, withoutIDs(r, branchesOf(r)).Replace(strings.Join(lost, "; ")))
}

func (m *StateManager) runOf(namespace, runID string) (*exo.RunResult, []transport.Placement, error) {
	r, err := m.read(namespace, runID)
	if err != nil {
		return nil, nil, err
	}
	graph, err := m.server.Graph(namespace, r.Graph)
	return r, graph.Nodes, err
}

// whyPending says what a run waits for that will never happen.
func (m *StateManager) whyPending(namespace, runID string) string {
	r, placements, err := m.runOf(namespace, runID)
	if err != nil {
		return err.Error()
	}
	named := names(branchesOf(r))
	byStep := make(map[string]transport.Placement, len(placements))
	for _, p := range placements {
		byStep[p.Identifier] = p
	}
	var why []string
	for _, s := range r.States {
		if isPending(s.Status) {
			why = append(why, named[s.ID]+" "+m.whyState(&s, byStep[s.Identifier]))
		}
	}
	for _, p := range placements {
		why = append(why, waitingJoins(r, p, named)...)
	}
	if len(why) == 0 {
		return "no state is pending"
	}
	const most = 10
	if len(why) > most {
		why = append(why[:most], fmt.Sprintf("and %d more", len(why)-most))
	}
	return strings.Join(why, "; ")
}

func isPending(s transport.Status) bool {
	return s == transport.StatusCreated || s == transport.StatusQueued || s == transport.StatusExecuted
}

func (m *StateManager) whyState(s *exo.State, p transport.Placement) string {
	n, runtime := m.nodes.server(nodeKey{p.Namespace, s.Node})
	switch {
	case s.Status == transport.StatusQueued:
		return "was claimed, and its outcome was never reported"
	case n != nil:
		return fmt.Sprintf("is %s", s.Status)
	case runtime != "":
		return fmt.Sprintf("waits for runtime %q, which serves node %q", runtime, s.Node)
	}
	return fmt.Sprintf("waits for node %q of namespace %q, which no runtime serves", s.Node, p.Namespace)
}

// waitingJoins says of a join which states it waits for.
func waitingJoins(r *exo.RunResult, p transport.Placement, named map[string]string) (why []string) {
	if p.Unites == nil {
		return nil
	}
	for _, anchor := range r.Step(p.Unites.Identifier) {
		if anchor.Status != transport.StatusSuccess {
			continue
		}
		var waits []string
		ran := false
		for _, s := range r.States {
			i := slices.IndexFunc(s.Parents, func(parent transport.Parent) bool { return parent.StateID == anchor.ID })
			switch {
			case i < 0:
			case s.Identifier == p.Identifier && i == len(s.Parents)-1:
				ran = true
			case isPending(s.Status):
				waits = append(waits, named[s.ID])
			}
		}
		if len(waits) > 0 && !ran {
			why = append(why, fmt.Sprintf("join %s of %s waits for %s", p.Identifier, named[anchor.ID], strings.Join(waits, ", ")))
		}
	}
	return why
}
