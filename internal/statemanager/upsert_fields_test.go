package statemanager_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// plain is what a problem says, without the value and the reason.
type plain struct{ Path, Fault string }

func fieldErrors(t *testing.T, err error) (list []plain) {
	t.Helper()
	var e *transport.Error
	var problems graph.Problems
	if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity || !errors.As(err, &problems) {
		t.Fatalf("error is %v, want a 422 with Problems", err)
	}
	for _, p := range problems {
		fault, _, _ := strings.Cut(p.Fault.String(), ": ")
		list = append(list, plain{strings.TrimSuffix(graph.Where(p.Path), ": "), fault})
		if !strings.Contains(err.Error(), p.String()) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
	return list
}

func TestFieldRules(t *testing.T) {
	t.Parallel()
	const strategies = "must be 'EXPONENTIAL', 'EXPONENTIAL_FULL_JITTER', 'EXPONENTIAL_EQUAL_JITTER', 'LINEAR', " +
		"'LINEAR_FULL_JITTER', 'LINEAR_EQUAL_JITTER', 'FIXED', 'FIXED_FULL_JITTER' or 'FIXED_EQUAL_JITTER'"
	policy := func(change func(*transport.RetryPolicy)) transport.GraphSpec {
		p := transport.DefaultRetryPolicy()
		change(&p)
		return transport.GraphSpec{Retry: &p}
	}
	nodes := func(p ...transport.Placement) transport.GraphSpec { return transport.GraphSpec{Nodes: p} }
	long := strings.Repeat("x", graph.MaxNameBytes+1)
	for _, c := range []struct {
		name string
		spec transport.GraphSpec
		want []plain
	}{
		{
			"empty identifier", nodes(step("")),
			[]plain{{"nodes.0.identifier", "Node identifier cannot be empty"}},
		},
		{
			"blank identifier", nodes(step("  ")),
			[]plain{{"nodes.0.identifier", "Node identifier cannot be empty"}},
		},
		{
			"reserved identifier", nodes(step("store")),
			[]plain{{"nodes.0.identifier", "Node identifier cannot be reserved word 'store'"}},
		},
		{
			"empty node name", nodes(transport.Placement{Identifier: "a"}),
			[]plain{{"nodes.0.node_name", "Node name cannot be empty"}},
		},
		{"next nodes", nodes(step("a", "b", "b", "")), []plain{{
			"nodes.0.next_nodes",
			"Next node identifier b is not unique\nNext node identifier cannot be empty",
		}}},
		{
			"blank anchor", nodes(step("a"), unite(step("b"), " ", transport.AllDone)),
			[]plain{{"nodes.1.unites", "Unites identifier cannot be empty"}},
		},
		{
			"strategy of a join", nodes(step("a"), unite(step("b"), "a", "NOPE")),
			[]plain{{"nodes.1.unites.strategy", "must be 'ALL_SUCCESS' or 'ALL_DONE'"}},
		},
		{"several at once", nodes(step(""), step("store")), []plain{
			{"nodes.0.identifier", "Node identifier cannot be empty"},
			{"nodes.1.identifier", "Node identifier cannot be reserved word 'store'"},
		}},
		{
			"negative retries", policy(func(p *transport.RetryPolicy) { p.MaxRetries = -1 }),
			[]plain{{"retry_policy.max_retries", "must be at least 0"}},
		},
		{
			"very many retries", policy(func(p *transport.RetryPolicy) { p.MaxRetries = graph.MaxRetries + 1 }),
			[]plain{{"retry_policy.max_retries", "must be at most 1000000"}},
		},
		{
			"no backoff", policy(func(p *transport.RetryPolicy) { p.Backoff = 0 }),
			[]plain{{"retry_policy.backoff_factor", "must be greater than 0"}},
		},
		{
			"no exponent", policy(func(p *transport.RetryPolicy) { p.Exponent = 0 }),
			[]plain{{"retry_policy.exponent", "must be greater than 0"}},
		},
		{
			"negative bound", policy(func(p *transport.RetryPolicy) { p.MaxDelay = -time.Second }),
			[]plain{{"retry_policy.max_delay", "must be greater than 0"}},
		},
		{
			"retry strategy", policy(func(p *transport.RetryPolicy) { p.Strategy = "X" }),
			[]plain{{"retry_policy.strategy", strategies}},
		},
		{"store", transport.GraphSpec{Store: transport.StoreConfig{
			RequiredKeys: []string{"k", "k", "a.b", ""}, DefaultValues: map[string]string{"a.b": "x", " ": "y"},
		}}, []plain{
			{
				"store_config.required_keys",
				"Key 'k' is duplicated\nKey 'a.b' cannot contain '.' character\nKey cannot be empty or contain only whitespace",
			},
			{
				"store_config.default_values",
				"Key cannot be empty or contain only whitespace\nKey 'a.b' cannot contain '.' character",
			},
		}},
		{
			"cron",
			transport.GraphSpec{Triggers: []transport.CronTrigger{{Expression: "* * * * *"}, {Expression: "not a cron"}}},
			[]plain{{"triggers.1.expression", "Invalid cron expression"}},
		},
		{
			"timezone",
			transport.GraphSpec{Triggers: []transport.CronTrigger{{Expression: "* * * * *", Timezone: "Moon/Base"}}},
			[]plain{{"triggers.0.timezone", "Invalid timezone"}},
		},

		{"long names", transport.GraphSpec{
			Nodes:   []transport.Placement{{Node: long, Namespace: long, Identifier: long, Inputs: map[string]string{long: ""}}},
			Secrets: transport.Secrets{long: ""},
		}, []plain{
			{"nodes.0.node_name", "must be at most 512 bytes long"},
			{"nodes.0.namespace", "must be at most 512 bytes long"},
			{"nodes.0.identifier", "must be at most 512 bytes long"},
			{"nodes.0.inputs", "must be at most 512 bytes long"},
			{"secrets", "must be at most 512 bytes long"},
		}},
		{
			"a long input", nodes(with(step("a"), strings.Repeat("x", graph.MaxInputBytes+1))),
			[]plain{{"nodes.0.inputs.a", "must be at most 1048576 bytes long"}},
		},
		{
			"many nodes", nodes(make([]transport.Placement, graph.MaxSteps+1)...),
			[]plain{{"nodes", "must have at most 2000 items, not 2001"}},
		},
		{
			"many triggers",
			transport.GraphSpec{Triggers: make([]transport.CronTrigger, graph.MaxTriggers+1)},
			[]plain{{"triggers", "must have at most 100 items, not 101"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, statemanager.Options{})
			_, err := b.PutGraph(b.now, "ns", "g", c.spec)
			if diff := cmp.Diff(c.want, fieldErrors(t, err)); diff != "" {
				t.Errorf("field errors (-want +got):\n%s", diff)
			}
			if _, err := b.Graph("ns", "g"); !errors.Is(err, transport.ErrNotFound) {
				t.Errorf("the graph was written: %v", err)
			}
		})
	}
}

// A reason that is no part of the protocol is still told.
func TestFieldErrorsTellTheReason(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	_, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{Triggers: []transport.CronTrigger{{Expression: "61 * * * *"}}})
	if err == nil || !strings.Contains(err.Error(), "61") {
		t.Errorf("error is %v, want it to name the minute 61", err)
	}
}
