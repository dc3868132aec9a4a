package transporttest_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
)

// upsertMutants go by the graph as it is now, also for runs that began before
// it was written: each in one respect.
func upsertMutants() []mutant {
	caught := []string{"§14 upsert: a run keeps the version it began with"}
	return []mutant{
		{name: "an upsert changes the inputs of runs", mutate: func(t whole) whole {
			return overClaim{t, func(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
				states, err := t.Claim(ctx, req)
				for i := range states {
					states[i].Inputs = inputsNow(ctx, t, states[i])
				}
				return states, err
			}}
		}, caught: caught},
		{name: "an upsert changes the steps of runs", mutate: func(t whole) whole {
			return overClaim{t, func(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
				states, err := t.Claim(ctx, req)
				return slices.DeleteFunc(states, func(s transport.Claimed) bool {
					g := graphNow(ctx, t, s)
					_, placed := stepOf(s, g)
					return g.Name != "" && !placed
				}), err
			}}
		}, caught: caught},
		{name: "an upsert changes the retries of runs", mutate: func(t whole) whole {
			return eachOutcome(t, func(ctx context.Context, s transport.Claimed, o transport.Outcome) transport.Outcome {
				e, failed := o.(transport.Errored)
				if !failed {
					return o
				}
				g := graphNow(ctx, t, s)
				e.Permanent = e.Permanent || g.Name != "" && s.Attempt >= g.Retry.MaxRetries
				return e
			})
		}, caught: caught},
	}
}

// graphNow is the graph of a state as it is now: none, if it is in another
// namespace.
func graphNow(ctx context.Context, t whole, s transport.Claimed) transport.GraphInfo {
	g, err := t.Graph(ctx, s.Graph)
	if err != nil {
		return transport.GraphInfo{}
	}
	return g
}

// stepOf is the step of a state in g, if it has it.
func stepOf(s transport.Claimed, g transport.GraphInfo) (step transport.Placement, placed bool) {
	for _, p := range g.Nodes {
		if p.Identifier == s.Identifier {
			return p, true
		}
	}
	return step, false
}

// inputsNow is the inputs of a state by its graph as it is now. Those of a root,
// which a trigger may replace, stay, and so do those with placeholders of other
// kinds than the rule has.
func inputsNow(ctx context.Context, t whole, s transport.Claimed) transport.Object {
	step, placed := stepOf(s, graphNow(ctx, t, s))
	d, err := t.State(ctx, s.Graph, s.RunID, s.ID)
	if err != nil || !placed || len(d.Parents) == 0 {
		return s.Inputs
	}
	var outputs []string // in pairs of placeholder and value
	for _, parent := range d.Parents {
		p, err := t.State(ctx, s.Graph, s.RunID, parent.StateID)
		var fields map[string]string
		if err == nil && json.Unmarshal(p.Outputs, &fields) == nil {
			outputs = append(outputs, "${{ "+parent.Identifier+".outputs.out }}", fields["out"])
		}
	}
	inputs := make(map[string]string)
	for name, text := range step.Inputs {
		inputs[name] = strings.NewReplacer(outputs...).Replace(text)
		if strings.Contains(inputs[name], "${{") {
			return s.Inputs
		}
	}
	filled, err := json.Marshal(inputs)
	if err != nil {
		return s.Inputs
	}
	return filled
}
