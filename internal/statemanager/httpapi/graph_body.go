package httpapi

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/graph"
)

// graphBody is a graph as it is put (protocol.md §4). What the engine checks
// for all callers alike, such as names and cron expressions, is not checked
// here.
type graphBody struct {
	Secrets  map[string]string
	Nodes    []placementBody
	Retry    *transport.RetryPolicy
	Store    transport.StoreConfig
	Triggers []triggerSpec
}

var graphShape = object(
	required("secrets", dictOf(secret), func(b *graphBody) *map[string]string { return &b.Secrets }),
	required("nodes", list(placementShape), func(b *graphBody) *[]placementBody { return &b.Nodes }),
	optional("retry_policy", pointer(preset(retryPolicyShape, transport.DefaultRetryPolicy())),
		func(b *graphBody) **transport.RetryPolicy { return &b.Retry }),
	optional("store_config", storeConfigShape, func(b *graphBody) *transport.StoreConfig { return &b.Store }),
	optional("triggers", list(cronShape), func(b *graphBody) *[]triggerSpec { return &b.Triggers }),
)

// placementBody is a placement whose inputs are not known to be strings.
type placementBody struct {
	transport.Placement
	inputs map[string]string // as they are written
}

var placementShape = object(
	required("node_name", text, func(p *placementBody) *string { return &p.Node }),
	required("namespace", text, func(p *placementBody) *string { return &p.Namespace }),
	required("identifier", text, func(p *placementBody) *string { return &p.Identifier }),
	required("inputs", dictOf(anyValue), func(p *placementBody) *map[string]string { return &p.inputs }),
	optional("next_nodes", orNone(list(text)), func(p *placementBody) *[]string { return &p.Next }),
	optional("unites", orNone(pointer(preset(unitesShape, transport.Unites{Strategy: transport.AllSuccess}))),
		func(p *placementBody) **transport.Unites { return &p.Unites }),
)

var unitesShape = object(
	required("identifier", text, func(u *transport.Unites) *string { return &u.Identifier }),
	optional("strategy", among(transport.AllSuccess, transport.AllDone), func(u *transport.Unites) *transport.UniteStrategy { return &u.Strategy }),
)

var retryPolicyShape = object(
	optional("max_retries", count(atLeast(0)), func(p *transport.RetryPolicy) *int { return &p.MaxRetries }),
	optional("strategy", among(
		transport.Exponential, transport.ExponentialFullJitter, transport.ExponentialEqualJitter,
		transport.Linear, transport.LinearFullJitter, transport.LinearEqualJitter,
		transport.Fixed, transport.FixedFullJitter, transport.FixedEqualJitter,
	), func(p *transport.RetryPolicy) *transport.RetryStrategy { return &p.Strategy }),
	optional("backoff_factor", milliseconds(positive), func(p *transport.RetryPolicy) *time.Duration { return &p.Backoff }),
	optional("exponent", count(positive), func(p *transport.RetryPolicy) *int { return &p.Exponent }),
	optional("max_delay", orNone(milliseconds(positive)), func(p *transport.RetryPolicy) *time.Duration { return &p.MaxDelay }),
)

var storeConfigShape = object(
	optional("required_keys", list(text), func(c *transport.StoreConfig) *[]string { return &c.RequiredKeys }),
	optional("default_values", dictOf(text), func(c *transport.StoreConfig) *map[string]string { return &c.DefaultValues }),
)

// triggerSpec is a trigger of a graph. There is only one type.
type triggerSpec struct {
	Type  string
	value string // as it is written
	cron  transport.CronTrigger
}

var (
	cronTypeShape = object(
		required("type", among("CRON"), func(t *triggerSpec) *string { return &t.Type }),
		required("value", described(anyValue, cronValueShape.schema), func(t *triggerSpec) *string { return &t.value }),
	)
	cronValueShape = object(
		required("expression", text, func(c *transport.CronTrigger) *string { return &c.Expression }),
		optional("timezone", text, func(c *transport.CronTrigger) *string { return &c.Timezone }),
	)
)

// cronShape reads the type first: what a value must be like depends on it, and
// problems with the value are told of as if its fields were the trigger's.
var cronShape = shape[triggerSpec]{schema: cronTypeShape.schema, read: func(r *reader, into *triggerSpec) error {
	before := len(r.problems)
	if err := cronTypeShape.read(r, into); err != nil || len(r.problems) > before {
		return err
	}
	return r.within(into.value, func() error {
		if r.Peek() == '{' {
			return cronValueShape.read(r, &into.cron)
		}
		r.enter("value")
		defer r.leave()
		return dict.read(r, new(transport.Object))
	})
}}

// spec is the graph that was put. Its inputs are strings, or the error says
// which is not, unless fields break a rule: those come first (protocol.md §6).
func (b *graphBody) spec(namespace, name string) (transport.GraphSpec, error) {
	g := transport.GraphSpec{
		Secrets: b.Secrets,
		Nodes:   make([]transport.Placement, len(b.Nodes)),
		Retry:   b.Retry,
		Store:   b.Store,
	}
	var err error
	for i := range b.Nodes {
		p := &b.Nodes[i]
		p.Inputs = make(map[string]string, len(p.inputs))
		for _, name := range slices.Sorted(maps.Keys(p.inputs)) {
			switch raw := p.inputs[name]; {
			case raw[0] == '"':
				p.Inputs[name] = unquote(raw)
			case err == nil:
				err = notAString(raw)
			}
		}
		g.Nodes[i] = p.Placement
	}
	for _, t := range b.Triggers {
		g.Triggers = append(g.Triggers, t.cron)
	}
	if err == nil {
		return g, nil
	}
	if _, _, wrong := graph.Read(namespace, name, g); len(wrong) > 0 {
		err = unfit(inWords(wrong))
	}
	return g, err
}

// notAString is the response to an input that is not a string: like the reference
// server, and unlike other values of a wrong type, 400 (protocol.md §6.1).
func notAString(raw string) error {
	switch raw {
	case "null":
		raw = "None"
	case "true":
		raw = "True"
	case "false":
		raw = "False"
	}
	return refuse(400, "Error validating graph template: Input "+clip.Text(raw)+" is not a string")
}

// count is an int from JSON.
func count(s shape[int64]) shape[int] {
	return converted(s, func(n int64) int { return int(min(n, math.MaxInt)) })
}

// milliseconds is a duration from JSON.
func milliseconds(s shape[int64]) shape[time.Duration] { return converted(s, duration) }

func converted[T any](s shape[int64], to func(int64) T) shape[T] {
	return shape[T]{schema: s.schema, read: func(r *reader, into *T) error {
		var n int64
		err := s.read(r, &n)
		*into = to(n)
		return err
	}}
}
