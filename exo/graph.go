package exo

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// A Graph builds a graph template: it places nodes as steps ([Add]), orders
// them ([After], [Unites]), and holds the settings of the whole graph. Validate
// and [StateManager.UpsertGraph] report all mistakes together. A Graph is not
// safe for concurrent use.
type Graph struct {
	name     string
	steps    []*step
	secrets  transport.Secrets
	retry    *transport.RetryPolicy
	store    transport.StoreConfig
	triggers []transport.CronTrigger
	mistakes []string
}

// NewGraph returns an empty graph.
func NewGraph(name string) *Graph { return &Graph{name: name} }

// Name returns the name under which the graph is written and triggered.
func (g *Graph) Name() string { return g.name }

// Secrets adds secrets to the graph, for example [Fields] of a node's Sec. It
// may be called more than once. A node receives only the secrets that it
// declares.
func (g *Graph) Secrets(secrets map[string]string) *Graph {
	if g.secrets == nil {
		g.secrets = make(transport.Secrets, len(secrets))
	}
	maps.Copy(g.secrets, secrets)
	return g
}

// Retry sets the retry policy of every step. The default is three retries after
// 2, 4 and 8 seconds (protocol.md §10). Zero fields other than MaxRetries and
// MaxDelay take their defaults.
func (g *Graph) Retry(p RetryPolicy) *Graph {
	standard := transport.DefaultRetryPolicy()
	if p.Strategy == "" {
		p.Strategy = standard.Strategy
	}
	if p.Backoff == 0 {
		p.Backoff = standard.Backoff
	}
	if p.Exponent == 0 {
		p.Exponent = standard.Exponent
	}
	g.retry = &p
	return g
}

// Cron adds triggers: a run starts whenever one of the five-field expressions
// matches in UTC (protocol.md §12).
func (g *Graph) Cron(expressions ...string) *Graph { return g.CronIn("", expressions...) }

// CronIn is [Graph.Cron] in a time zone given by its IANA name, such as
// "Europe/Berlin".
func (g *Graph) CronIn(timezone string, expressions ...string) *Graph {
	for _, e := range expressions {
		g.triggers = append(g.triggers, transport.CronTrigger{Expression: e, Timezone: timezone})
	}
	return g
}

// Nodes returns the nodes of the graph that this program can serve: all except
// remote ones, each once, in order of first use.
func (g *Graph) Nodes() []node.Any {
	var nodes []node.Any
	for _, s := range g.steps {
		if s.node.Namespace() == "" && !slices.Contains(nodes, s.node) {
			nodes = append(nodes, s.node)
		}
	}
	return nodes
}

// Spec returns the graph as it is written to a state manager. namespace is the
// namespace of nodes that are not [Remote].
func (g *Graph) Spec(namespace string) transport.GraphSpec {
	spec := transport.GraphSpec{
		Nodes:    make([]transport.Placement, len(g.steps)),
		Secrets:  maps.Clone(g.secrets),
		Store:    transport.StoreConfig{RequiredKeys: slices.Clone(g.store.RequiredKeys), DefaultValues: maps.Clone(g.store.DefaultValues)},
		Triggers: slices.Clone(g.triggers),
	}
	if g.retry != nil {
		policy := *g.retry
		spec.Retry = &policy
	}
	for i, s := range g.steps {
		spec.Nodes[i] = s.placement(g, namespace)
	}
	return spec
}

// mistake records a mistake in a step, to be reported by Validate.
func (g *Graph) mistake(id, format string, args ...any) {
	g.mistakes = append(g.mistakes, fmt.Sprintf("step %q: %s", id, fmt.Sprintf(format, args...)))
}

// RetryPolicy says when failed states are retried (protocol.md §10).
type RetryPolicy = transport.RetryPolicy

// RetryStrategy says how the delay grows from one attempt to the next, and how
// it is jittered. n counts from 1. MaxDelay limits every delay.
type RetryStrategy = transport.RetryStrategy

const (
	Exponential            = transport.Exponential            // Backoff·Exponentⁿ⁻¹
	ExponentialFullJitter  = transport.ExponentialFullJitter  // uniform between 0 and that
	ExponentialEqualJitter = transport.ExponentialEqualJitter // uniform between half of that and that
	Linear                 = transport.Linear                 // Backoff·n
	LinearFullJitter       = transport.LinearFullJitter
	LinearEqualJitter      = transport.LinearEqualJitter
	Fixed                  = transport.Fixed // Backoff
	FixedFullJitter        = transport.FixedFullJitter
	FixedEqualJitter       = transport.FixedEqualJitter
)

// NoRetry returns the policy without retries: the first failure is final.
func NoRetry() RetryPolicy {
	return RetryPolicy{MaxRetries: 0, Strategy: Fixed, Backoff: time.Millisecond, Exponent: 1}
}
