package statemanager

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/cron"
)

// normalize trims what protocol.md §4 says is trimmed, fills in defaults, and
// copies: the caller's maps and slices stay the caller's.
func normalize(g transport.GraphSpec) transport.GraphSpec {
	nodes := make([]transport.Placement, len(g.Nodes))
	for i, p := range g.Nodes {
		p.Node = strings.TrimSpace(p.Node)
		p.Identifier = strings.TrimSpace(p.Identifier)
		p.Inputs = cloneMap(p.Inputs)
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
	return transport.GraphSpec{
		Nodes: nodes, Secrets: cloneMap(g.Secrets), Retry: &retry,
		Store: transport.StoreConfig{
			RequiredKeys:  trimAll(g.Store.RequiredKeys),
			DefaultValues: cloneMap(g.Store.DefaultValues),
		},
		Triggers: append([]transport.CronTrigger{}, g.Triggers...),
	}
}

// cloneMap copies m; nil becomes empty.
func cloneMap[M ~map[string]string](m M) M {
	c := make(M, len(m))
	maps.Copy(c, m)
	return c
}

// trimAll trims every string of a copy, which is never nil.
func trimAll(list []string) []string {
	trimmed := make([]string, len(list))
	for i, s := range list {
		trimmed[i] = strings.TrimSpace(s)
	}
	return trimmed
}

// checkFields are the rules that fields of a graph must keep by themselves: a
// graph that breaks one is refused with 422 (protocol.md §6). given is the graph
// as it came, whose values errors repeat; g is what normalize made of it.
func checkFields(ns, name string, given, g *transport.GraphSpec) ([]*cron.Schedule, FieldErrors) {
	var wrong FieldErrors
	add := func(f FieldError) { wrong = append(wrong, f) }
	for _, n := range []struct{ what, text string }{{"namespace", ns}, {"name", name}} {
		if len(n.text) > MaxNameBytes {
			add(tooLong(MaxNameBytes, n.text, n.what))
		}
	}
	if len(g.Nodes) > MaxSteps {
		add(tooMany(MaxSteps, len(g.Nodes), "nodes"))
		return nil, wrong
	}
	for i := range g.Nodes {
		wrong = append(wrong, checkPlacement(i, &given.Nodes[i], &g.Nodes[i])...)
	}
	if len(g.Secrets) > MaxSecrets {
		add(tooMany(MaxSecrets, len(g.Secrets), "secrets"))
	}
	for _, s := range g.Secrets.Names() {
		if len(s) > MaxNameBytes {
			add(tooLong(MaxNameBytes, s, "secrets"))
		}
	}
	wrong = append(wrong, checkRetryPolicy(g.Retry)...)
	wrong = append(wrong, checkStoreConfig(&given.Store, &g.Store)...)
	schedules, bad := checkTriggers(g.Triggers)
	return schedules, append(wrong, bad...)
}

func checkPlacement(i int, given, p *transport.Placement) FieldErrors {
	var wrong FieldErrors
	add := func(f FieldError) { wrong = append(wrong, f) }
	name := func(text, field string) {
		if len(text) > MaxNameBytes {
			add(tooLong(MaxNameBytes, text, "nodes", i, field))
		}
	}
	if p.Node == "" {
		add(valueError("Node name cannot be empty", given.Node, "nodes", i, "node_name"))
	}
	name(p.Node, "node_name")
	name(p.Namespace, "namespace")
	switch p.Identifier {
	case "":
		add(valueError("Node identifier cannot be empty", given.Identifier, "nodes", i, "identifier"))
	case reservedIdentifier:
		add(valueError("Node identifier cannot be reserved word '"+reservedIdentifier+"'", given.Identifier, "nodes", i, "identifier"))
	}
	name(p.Identifier, "identifier")
	if len(p.Inputs) > MaxStepInputs {
		add(tooMany(MaxStepInputs, len(p.Inputs), "nodes", i, "inputs"))
	} else {
		for _, key := range sortedKeys(p.Inputs) {
			name(key, "inputs")
			if len(p.Inputs[key]) > MaxInputBytes {
				add(tooLong(MaxInputBytes, p.Inputs[key], "nodes", i, "inputs", key))
			}
		}
	}
	if len(p.Next) > MaxSteps {
		add(tooMany(MaxSteps, len(p.Next), "nodes", i, "next_nodes"))
	} else if problems := checkList(p.Next,
		func(s string) string { return "Next node identifier " + clip(s) + " is not unique" },
		"Next node identifier cannot be empty"); problems != "" {
		add(valueError(problems, given.Next, "nodes", i, "next_nodes"))
	}
	if u := p.Unites; u != nil {
		if u.Identifier == "" {
			add(valueError("Unites identifier cannot be empty",
				map[string]any{"identifier": given.Unites.Identifier}, "nodes", i, "unites"))
		}
		if u.Strategy != transport.AllSuccess && u.Strategy != transport.AllDone {
			add(notOneOf(string(u.Strategy), []string{string(transport.AllSuccess), string(transport.AllDone)},
				"nodes", i, "unites", "strategy"))
		}
	}
	return wrong
}

// checkList tells which of the strings are empty or occur twice, one a line.
func checkList(list []string, twice func(string) string, empty string) string {
	var problems []string
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		switch {
		case s == "":
			problems = append(problems, empty)
		case seen[s]:
			problems = append(problems, twice(s))
		}
		seen[s] = true
	}
	return strings.Join(problems, "\n")
}

// notOneOf is a value that must be one of a few.
func notOneOf(input string, allowed []string, loc ...any) FieldError {
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = "'" + a + "'"
	}
	expected := strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
	return FieldError{
		Type: "enum", Loc: append([]any{"body"}, loc...), Input: clip(input),
		Msg: "Input should be " + expected, Ctx: map[string]any{"expected": expected},
	}
}

// retryStrategies in the order in which protocol.md §10 and messages name them.
var retryStrategies = []string{
	string(transport.Exponential), string(transport.ExponentialFullJitter), string(transport.ExponentialEqualJitter),
	string(transport.Linear), string(transport.LinearFullJitter), string(transport.LinearEqualJitter),
	string(transport.Fixed), string(transport.FixedFullJitter), string(transport.FixedEqualJitter),
}

func checkRetryPolicy(p *transport.RetryPolicy) FieldErrors {
	const in = "retry_policy"
	var wrong FieldErrors
	switch {
	case p.MaxRetries < 0:
		wrong = append(wrong, negative(int64(p.MaxRetries), in, "max_retries"))
	case p.MaxRetries > MaxRetries:
		wrong = append(wrong, tooHigh(MaxRetries, int64(p.MaxRetries), in, "max_retries"))
	}
	if !slices.Contains(retryStrategies, string(p.Strategy)) {
		wrong = append(wrong, notOneOf(string(p.Strategy), retryStrategies, in, "strategy"))
	}
	if p.Backoff < time.Millisecond {
		wrong = append(wrong, notPositive(p.Backoff.Milliseconds(), in, "backoff_factor"))
	}
	if p.Exponent < 1 {
		wrong = append(wrong, notPositive(int64(p.Exponent), in, "exponent"))
	}
	if p.MaxDelay < 0 || p.MaxDelay > 0 && p.MaxDelay < time.Millisecond {
		wrong = append(wrong, notPositive(p.MaxDelay.Milliseconds(), in, "max_delay"))
	}
	return wrong
}

func checkStoreConfig(given, s *transport.StoreConfig) FieldErrors {
	const in = "store_config"
	var wrong FieldErrors
	problems := func(keys []string) string {
		var list []string
		seen := make(map[string]bool, len(keys))
		for _, k := range keys {
			if p := storeKeyProblem(k); p != "" {
				list = append(list, p)
			} else if seen[k] {
				list = append(list, "Key '"+clip(k)+"' is duplicated")
			}
			seen[k] = true
		}
		return strings.Join(list, "\n")
	}
	defaults := sortedKeys(s.DefaultValues)
	if n := len(s.RequiredKeys) + len(defaults); n > MaxStoreKeys {
		return append(wrong, tooMany(MaxStoreKeys, n, in))
	}
	if p := problems(s.RequiredKeys); p != "" {
		wrong = append(wrong, valueError(p, given.RequiredKeys, in, "required_keys"))
	}
	if p := problems(defaults); p != "" {
		wrong = append(wrong, valueError(p, given.DefaultValues, in, "default_values"))
	}
	for _, k := range defaults {
		if len(s.DefaultValues[k]) > MaxStoreValueBytes {
			wrong = append(wrong, tooLong(MaxStoreValueBytes, s.DefaultValues[k], in, "default_values", k))
		}
	}
	return wrong
}

// storeKeyProblem is why a key cannot be declared, "" if it can. A key with a
// dot could not stand in a placeholder.
func storeKeyProblem(key string) string {
	switch {
	case strings.TrimSpace(key) == "":
		return "Key cannot be empty or contain only whitespace"
	case strings.Contains(key, "."):
		return "Key '" + clip(key) + "' cannot contain '.' character"
	case len(key) > MaxNameBytes:
		return fmt.Sprintf("Key '%s' is longer than %d bytes", clip(key), MaxNameBytes)
	}
	return ""
}

func checkTriggers(triggers []transport.CronTrigger) ([]*cron.Schedule, FieldErrors) {
	if len(triggers) > MaxTriggers {
		return nil, FieldErrors{tooMany(MaxTriggers, len(triggers), "triggers")}
	}
	var wrong FieldErrors
	schedules := make([]*cron.Schedule, len(triggers))
	for i, t := range triggers {
		s, err := cron.Parse(t.Expression, t.Timezone)
		if err != nil {
			f := valueError("Invalid cron expression", t.Expression, "triggers", i, "expression")
			if _, bad := cron.Parse("* * * * *", t.Timezone); bad != nil {
				f = valueError("Invalid timezone", t.Timezone, "triggers", i, "timezone")
			}
			f.Ctx["reason"] = err.Error()
			wrong = append(wrong, f)
		}
		schedules[i] = s
	}
	return schedules, wrong
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
