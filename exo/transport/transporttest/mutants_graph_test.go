package transporttest_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// graphMutants are faults in how graphs are taken, shown and triggered.
func graphMutants() []mutant {
	return []mutant{
		{name: "trigger inputs are templates", mutate: func(t whole) whole {
			return overTrigger{t, func(ctx context.Context, graph string, s transport.TriggerSpec) (string, error) {
				for _, v := range s.Inputs {
					if strings.Contains(v, "${{") {
						return "", badRequest("Invalid input")
					}
				}
				return t.Trigger(ctx, graph, s)
			}}
		}, caught: []string{"§14 trigger inputs are data", "§1 values are any text"}},
		{name: "a default does not serve for a required key", mutate: func(t whole) whole {
			return overTrigger{t, func(ctx context.Context, graph string, s transport.TriggerSpec) (string, error) {
				g, err := t.Graph(ctx, graph)
				for _, k := range g.Store.RequiredKeys {
					if _, ok := s.Store[k]; !ok && err == nil {
						return "", badRequest("Missing store keys: {'" + k + "'}")
					}
				}
				return t.Trigger(ctx, graph, s)
			}}
		}, caught: []string{"§14 a required store key that has a default"}},
		{
			name: "graphs show defaults", mutate: func(t whole) whole { return overGraph{t} },
			caught: []string{"§14 graph: shows its retry policy, store and triggers"},
		},
		{name: "any graph is taken", mutate: func(t whole) whole {
			return overPutGraph{t, func(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
				status, err := t.PutGraph(ctx, name, g)
				if errors.As(err, new(*transport.Error)) {
					return transport.GraphInfo{Status: transport.Valid}, nil
				}
				return status, err
			}}
		}, caught: []string{"§14 a diamond that reads both branches is refused", "§6.1 refused: a cycle", "§12 refused: a cron expression that is none"}},
		{name: "jitter before the cap", mutate: func(t whole) whole {
			return cappedPolicies(t, func(p *transport.RetryPolicy) {
				// Hardly any delay of a base far above the cap comes out below it.
				p.Strategy = transport.Fixed
			})
		}, caught: []string{"§14 jitter: also delays at their bound are spread"}},
		{name: "no delay above the cap", mutate: func(t whole) whole {
			return cappedPolicies(t, func(p *transport.RetryPolicy) { p.MaxDelay = time.Millisecond })
		}, caught: []string{"§14 jitter: also delays at their bound are spread"}},
	}
}

// cappedPolicies changes the retry policies all of whose delays are capped.
func cappedPolicies(t whole, change func(p *transport.RetryPolicy)) whole {
	return overPutGraph{t, func(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
		if g.Retry != nil && g.Retry.MaxDelay > 0 && g.Retry.Backoff > g.Retry.MaxDelay {
			p := *g.Retry
			change(&p)
			g.Retry = &p
		}
		return t.PutGraph(ctx, name, g)
	}}
}
