package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/cron"
)

// Limits on what a graph may ask for. The reference server has none of them.
// They are far above what people write, and keep one request from using up the
// memory or the time of the server. The limits of other checks stand next to
// those checks.
const (
	// MaxSteps is the largest number of placements in a graph. Checking a graph
	// takes time and memory quadratic in it.
	MaxSteps = 2000

	// MaxNameBytes is the largest length of a name: of a namespace, graph,
	// node, identifier, input, secret or store key. Names appear in URLs, logs
	// and every state.
	MaxNameBytes = 512

	// MaxStepInputs is the largest number of inputs of a placement.
	MaxStepInputs = 1000

	// MaxInputBytes is the largest length of one input as written in the graph.
	MaxInputBytes = 1 << 20

	// MaxSecrets is the largest number of secrets that a graph holds or that a
	// node declares.
	MaxSecrets = 1000

	// MaxStoreKeys is the largest number of keys in the store of one run.
	MaxStoreKeys = 10_000

	// MaxStoreValueBytes is the largest length of one value in a store.
	MaxStoreValueBytes = 1 << 20

	// MaxTriggers is the largest number of cron triggers of a graph.
	MaxTriggers = 100

	// MaxRetries is the largest max_retries.
	MaxRetries = 1_000_000
)

// Read checks the rules for single fields of a graph (protocol.md §6). The
// returned spec is trimmed as protocol.md §4 says, has its defaults filled in,
// and shares nothing with given. schedules are the schedules of its triggers,
// in order. If wrong is not empty, the other results must not be used.
func Read(namespace, name string, given transport.GraphSpec) (spec transport.GraphSpec, schedules []*cron.Schedule, wrong Problems) {
	spec = normalize(given)
	for _, n := range []struct{ what, text string }{{"namespace", namespace}, {"name", name}} {
		if len(n.text) > MaxNameBytes {
			wrong.Add(TooLong{MaxNameBytes}, clip.Text(n.text), n.what)
		}
	}
	if len(spec.Nodes) > MaxSteps {
		wrong.Add(TooMany{MaxSteps, len(spec.Nodes)}, nil, "nodes")
		return spec, nil, wrong
	}
	for i := range spec.Nodes {
		wrong = append(wrong, checkPlacement(i, &given.Nodes[i], &spec.Nodes[i])...)
	}
	if len(spec.Secrets) > MaxSecrets {
		wrong.Add(TooMany{MaxSecrets, len(spec.Secrets)}, nil, "secrets")
	}
	for _, s := range spec.Secrets.Names() {
		if len(s) > MaxNameBytes {
			wrong.Add(TooLong{MaxNameBytes}, clip.Text(s), "secrets")
		}
	}
	wrong = append(wrong, checkRetryPolicy(spec.Retry)...)
	wrong = append(wrong, checkStoreConfig(&given.Store, &spec.Store)...)
	schedules, bad := readTriggers(spec.Triggers)
	return spec, schedules, append(wrong, bad...)
}

func normalize(g transport.GraphSpec) transport.GraphSpec {
	nodes := make([]transport.Placement, len(g.Nodes))
	for i, p := range g.Nodes {
		p.Node = strings.TrimSpace(p.Node)
		p.Identifier = strings.TrimSpace(p.Identifier)
		p.Inputs = copyOf(p.Inputs)
		p.Next = trimAll(p.Next)
		if p.Unites != nil {
			u := *p.Unites
			u.Identifier = strings.TrimSpace(u.Identifier)
			if u.Strategy == "" {
				u.Strategy = transport.AllSuccess
			}
			p.Unites = &u
		}
		nodes[i] = p
	}
	retry := transport.DefaultRetryPolicy()
	if g.Retry != nil {
		retry = *g.Retry
	}
	defaults := make(map[string]string, len(g.Store.DefaultValues))
	for key, value := range g.Store.DefaultValues {
		defaults[strings.TrimSpace(key)] = value
	}
	return transport.GraphSpec{
		Nodes: nodes, Secrets: copyOf(g.Secrets), Retry: &retry,
		Store:    transport.StoreConfig{RequiredKeys: trimAll(g.Store.RequiredKeys), DefaultValues: defaults},
		Triggers: append([]transport.CronTrigger{}, g.Triggers...),
	}
}

// copyOf copies m. It turns nil into an empty map.
func copyOf[M ~map[string]string](m M) M {
	c := make(M, len(m))
	maps.Copy(c, m)
	return c
}

// trimAll returns a copy of list with every string trimmed. It is never nil.
func trimAll(list []string) []string {
	trimmed := make([]string, len(list))
	for i, s := range list {
		trimmed[i] = strings.TrimSpace(s)
	}
	return trimmed
}

func checkPlacement(i int, given, p *transport.Placement) (wrong Problems) {
	add := func(fault Fault, input any, path ...any) {
		wrong.Add(fault, input, append([]any{"nodes", i}, path...)...)
	}
	name := func(text, field string) {
		if len(text) > MaxNameBytes {
			add(TooLong{MaxNameBytes}, clip.Text(text), field)
		}
	}
	if p.Node == "" {
		add(Rule{Text: "Node name cannot be empty"}, given.Node, "node_name")
	}
	name(p.Node, "node_name")
	name(p.Namespace, "namespace")
	switch p.Identifier {
	case "":
		add(Rule{Text: "Node identifier cannot be empty"}, given.Identifier, "identifier")
	case reservedIdentifier:
		add(Rule{Text: "Node identifier cannot be reserved word '" + reservedIdentifier + "'"}, given.Identifier, "identifier")
	}
	name(p.Identifier, "identifier")
	if len(p.Inputs) > MaxStepInputs {
		add(TooMany{MaxStepInputs, len(p.Inputs)}, nil, "inputs")
	} else {
		for _, key := range slices.Sorted(maps.Keys(p.Inputs)) {
			name(key, "inputs")
			if len(p.Inputs[key]) > MaxInputBytes {
				add(TooLong{MaxInputBytes}, clip.Text(p.Inputs[key]), "inputs", key)
			}
		}
	}
	if len(p.Next) > MaxSteps {
		add(TooMany{MaxSteps, len(p.Next)}, nil, "next_nodes")
	} else if text := checkNext(p.Next); text != "" {
		add(Rule{Text: text}, given.Next, "next_nodes")
	}
	if u := p.Unites; u != nil {
		if u.Identifier == "" {
			add(Rule{Text: "Unites identifier cannot be empty"}, map[string]any{"identifier": given.Unites.Identifier}, "unites")
		}
		if u.Strategy != transport.AllSuccess && u.Strategy != transport.AllDone {
			add(NotAmong{[]string{string(transport.AllSuccess), string(transport.AllDone)}}, clip.Text(string(u.Strategy)), "unites", "strategy")
		}
	}
	return wrong
}

// checkNext returns which of the identifiers are empty or repeated, one per
// line.
func checkNext(next []string) string {
	var problems []string
	seen := make(map[string]bool, len(next))
	for _, id := range next {
		switch {
		case id == "":
			problems = append(problems, "Next node identifier cannot be empty")
		case seen[id]:
			problems = append(problems, "Next node identifier "+clip.Text(id)+" is not unique")
		}
		seen[id] = true
	}
	return strings.Join(problems, "\n")
}

// retryStrategies lists the strategies in the order of protocol.md §10, which
// is also their order in messages.
var retryStrategies = []string{
	string(transport.Exponential), string(transport.ExponentialFullJitter), string(transport.ExponentialEqualJitter),
	string(transport.Linear), string(transport.LinearFullJitter), string(transport.LinearEqualJitter),
	string(transport.Fixed), string(transport.FixedFullJitter), string(transport.FixedEqualJitter),
}

func checkRetryPolicy(p *transport.RetryPolicy) (wrong Problems) {
	const in = "retry_policy"
	switch {
	case p.MaxRetries < 0:
		wrong.Add(Below{0}, p.MaxRetries, in, "max_retries")
	case p.MaxRetries > MaxRetries:
		wrong.Add(Above{MaxRetries}, p.MaxRetries, in, "max_retries")
	}
	if !slices.Contains(retryStrategies, string(p.Strategy)) {
		wrong.Add(NotAmong{retryStrategies}, clip.Text(string(p.Strategy)), in, "strategy")
	}
	if p.Backoff < time.Millisecond {
		wrong.Add(NotAbove{0}, p.Backoff.Milliseconds(), in, "backoff_factor")
	}
	if p.Exponent < 1 {
		wrong.Add(NotAbove{0}, p.Exponent, in, "exponent")
	}
	if p.MaxDelay < 0 || p.MaxDelay > 0 && p.MaxDelay < time.Millisecond {
		wrong.Add(NotAbove{0}, p.MaxDelay.Milliseconds(), in, "max_delay")
	}
	return wrong
}

func checkStoreConfig(given, s *transport.StoreConfig) (wrong Problems) {
	const in = "store_config"
	defaults := trimAll(slices.Sorted(maps.Keys(given.DefaultValues)))
	if n := len(s.RequiredKeys) + len(defaults); n > MaxStoreKeys {
		wrong.Add(TooMany{MaxStoreKeys, n}, nil, in)
		return wrong
	}
	if text := checkStoreKeys(s.RequiredKeys); text != "" {
		wrong.Add(Rule{Text: text}, given.RequiredKeys, in, "required_keys")
	}
	if text := checkStoreKeys(defaults); text != "" {
		wrong.Add(Rule{Text: text}, given.DefaultValues, in, "default_values")
	}
	for _, k := range slices.Sorted(maps.Keys(s.DefaultValues)) {
		if len(s.DefaultValues[k]) > MaxStoreValueBytes {
			wrong.Add(TooLong{MaxStoreValueBytes}, clip.Text(s.DefaultValues[k]), in, "default_values", k)
		}
	}
	return wrong
}

// checkStoreKeys returns which keys cannot be declared or are repeated, one per
// line. A key with a dot could not be named in a placeholder.
func checkStoreKeys(keys []string) string {
	var problems []string
	seen := make(map[string]bool, len(keys))
	for _, k := range keys {
		switch {
		case k == "":
			problems = append(problems, "Key cannot be empty or contain only whitespace")
		case strings.Contains(k, "."):
			problems = append(problems, "Key '"+clip.Text(k)+"' cannot contain '.' character")
		case len(k) > MaxNameBytes:
			problems = append(problems, fmt.Sprintf("Key '%s' is longer than %d bytes", clip.Text(k), MaxNameBytes))
		case seen[k]:
			problems = append(problems, "Key '"+clip.Text(k)+"' is duplicated")
		}
		seen[k] = true
	}
	return strings.Join(problems, "\n")
}

func readTriggers(triggers []transport.CronTrigger) (schedules []*cron.Schedule, wrong Problems) {
	if len(triggers) > MaxTriggers {
		wrong.Add(TooMany{MaxTriggers, len(triggers)}, nil, "triggers")
		return nil, wrong
	}
	schedules = make([]*cron.Schedule, len(triggers))
	for i, t := range triggers {
		s, err := cron.Parse(t.Expression, t.Timezone)
		if schedules[i] = s; err == nil {
			continue
		}
		if _, err := cron.Parse(t.Expression, ""); err != nil {
			wrong.Add(Rule{"Invalid cron expression", err.Error()}, t.Expression, "triggers", i, "expression")
		}
		if _, err := cron.Parse("* * * * *", t.Timezone); err != nil {
			wrong.Add(Rule{"Invalid timezone", err.Error()}, t.Timezone, "triggers", i, "timezone")
		}
	}
	return schedules, wrong
}
