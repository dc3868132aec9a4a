package transporttest_test

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

// joinMutants are faults of joins.
func joinMutants() []mutant {
	return []mutant{
		{
			name: "joins of the reference server", mutate: func(t whole) whole { return t }, opts: []local.Option{local.AsReference()},
			caught: []string{
				"§14 joins: ALL_DONE runs if the last branch is pruned", "§14 joins: ALL_DONE runs if the last branch fails",
				"§14 joins: ALL_DONE runs if the last branch ends in a leaf", "§14 joins: ALL_SUCCESS runs if the last branch ends in a leaf",
				"§14 joins: ALL_DONE runs if all branches are pruned", "§14 joins: ALL_SUCCESS runs if all branches are pruned",
				"§14 joins: a pruned branch is done for ALL_SUCCESS",
				"§14 joins: ALL_DONE: two on one anchor both run", "§14 joins: ALL_SUCCESS: two on one anchor both run",
				"§9 ALL_DONE: runs again after a manual retry of the branch succeeds",
			},
		},
		{name: "a step after a join that reads it is refused", mutate: func(t whole) whole {
			return overPutGraph{t, func(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
				if _, reads := anchorsForJoins(g); reads {
					return transport.GraphInfo{}, badRequest("the join is not a parent")
				}
				return t.PutGraph(ctx, name, g)
			}}
		}, caught: []string{"§14 joins: ALL_SUCCESS: a step after it reads its outputs", "§14 joins: ALL_DONE: a step after it reads its outputs"}},
		{name: "a step after a join reads the anchor", mutate: func(t whole) whole {
			return overPutGraph{t, func(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
				g, _ = anchorsForJoins(g)
				return t.PutGraph(ctx, name, g)
			}}
		}, caught: []string{"§14 joins: ALL_SUCCESS: a step after it reads its outputs", "§14 joins: ALL_DONE: a step after it reads its outputs"}},
		{
			name: "a step that leads to its own join fails", mutate: anchorsFailBeforeJoins,
			caught: []string{"§14 joins: ALL_SUCCESS: right after its anchor", "§14 joins: ALL_DONE: right after its anchor"},
		},
	}
}

// anchorsForJoins is g with inputs that read the anchor of a join where they
// would read the join, and whether there are any.
func anchorsForJoins(g transport.GraphSpec) (changed transport.GraphSpec, reads bool) {
	g.Nodes = slices.Clone(g.Nodes)
	for _, join := range g.Nodes {
		if join.Unites == nil {
			continue
		}
		for i := range g.Nodes {
			g.Nodes[i].Inputs = maps.Clone(g.Nodes[i].Inputs)
			for name, text := range g.Nodes[i].Inputs {
				instead := strings.ReplaceAll(text, "${{ "+join.Identifier+".outputs", "${{ "+join.Unites.Identifier+".outputs")
				g.Nodes[i].Inputs[name] = instead
				reads = reads || instead != text
			}
		}
	}
	return g, reads
}

// anchorsFailBeforeJoins fails a step that leads to a join that unites it, once
// it has been executed.
func anchorsFailBeforeJoins(t whole) whole {
	return eachOutcome(t, func(ctx context.Context, s transport.Claimed, o transport.Outcome) transport.Outcome {
		_, executed := o.(transport.Executed)
		g := graphNow(ctx, t, s)
		step, _ := stepOf(s, g)
		if executed && slices.ContainsFunc(g.Nodes, func(p transport.Placement) bool {
			return p.Unites != nil && p.Unites.Identifier == s.Identifier && slices.Contains(step.Next, p.Identifier)
		}) {
			return transport.Errored{Message: "no state to unite", Permanent: true}
		}
		return o
	})
}
