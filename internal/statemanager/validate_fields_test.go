package statemanager_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// plain is what a field error says, without the values.
type plain struct{ Type, Loc, Msg string }

func fieldErrors(t *testing.T, err error) (list []plain) {
	t.Helper()
	var e *transport.Error
	var fields statemanager.FieldErrors
	if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity || !errors.As(err, &fields) {
		t.Fatalf("error is %v, want a 422 with FieldErrors", err)
	}
	for _, f := range fields {
		var loc []string
		for _, l := range f.Loc {
			loc = append(loc, strings.TrimSpace(said(l)))
		}
		list = append(list, plain{f.Type, strings.ReplaceAll(strings.Join(loc, "."), `"`, ""), f.Msg})
		if !strings.Contains(err.Error(), f.Msg) {
			t.Errorf("error %q does not say %q", err, f.Msg)
		}
	}
	return list
}

func TestFieldRules(t *testing.T) {
	t.Parallel()
	const strategies = "Input should be 'EXPONENTIAL', 'EXPONENTIAL_FULL_JITTER', 'EXPONENTIAL_EQUAL_JITTER', 'LINEAR', " +
		"'LINEAR_FULL_JITTER', 'LINEAR_EQUAL_JITTER', 'FIXED', 'FIXED_FULL_JITTER' or 'FIXED_EQUAL_JITTER'"
	policy := func(change func(*transport.RetryPolicy)) transport.GraphSpec {
		p := transport.DefaultRetryPolicy()
		change(&p)
		return transport.GraphSpec{Retry: &p}
	}
	nodes := func(p ...transport.Placement) transport.GraphSpec { return transport.GraphSpec{Nodes: p} }
	long := strings.Repeat("x", statemanager.MaxNameBytes+1)
	for _, c := range []struct {
		name string
		spec transport.GraphSpec
		want []plain
	}{
		{
			"empty identifier", nodes(step("")),
			[]plain{{"value_error", "body.nodes.0.identifier", "Value error, Node identifier cannot be empty"}},
		},
		{
			"blank identifier", nodes(step("  ")),
			[]plain{{"value_error", "body.nodes.0.identifier", "Value error, Node identifier cannot be empty"}},
		},
		{
			"reserved identifier", nodes(step("store")),
			[]plain{{"value_error", "body.nodes.0.identifier", "Value error, Node identifier cannot be reserved word 'store'"}},
		},
		{
			"empty node name", nodes(transport.Placement{Identifier: "a"}),
			[]plain{{"value_error", "body.nodes.0.node_name", "Value error, Node name cannot be empty"}},
		},
		{"next nodes", nodes(step("a", "b", "b", "")), []plain{{
			"value_error", "body.nodes.0.next_nodes",
			"Value error, Next node identifier b is not unique\nNext node identifier cannot be empty",
		}}},
		{
			"blank anchor", nodes(step("a"), unite(step("b"), " ", transport.AllDone)),
			[]plain{{"value_error", "body.nodes.1.unites", "Value error, Unites identifier cannot be empty"}},
		},
		{
			"strategy of a join", nodes(step("a"), unite(step("b"), "a", "NOPE")),
			[]plain{{"enum", "body.nodes.1.unites.strategy", "Input should be 'ALL_SUCCESS' or 'ALL_DONE'"}},
		},
		{"several at once", nodes(step(""), step("store")), []plain{
			{"value_error", "body.nodes.0.identifier", "Value error, Node identifier cannot be empty"},
			{"value_error", "body.nodes.1.identifier", "Value error, Node identifier cannot be reserved word 'store'"},
		}},
		{
			"negative retries", policy(func(p *transport.RetryPolicy) { p.MaxRetries = -1 }),
			[]plain{{"greater_than_equal", "body.retry_policy.max_retries", "Input should be greater than or equal to 0"}},
		},
		{
			"very many retries", policy(func(p *transport.RetryPolicy) { p.MaxRetries = statemanager.MaxRetries + 1 }),
			[]plain{{"less_than_equal", "body.retry_policy.max_retries", "Input should be less than or equal to 1000000"}},
		},
		{
			"no backoff", policy(func(p *transport.RetryPolicy) { p.Backoff = 0 }),
			[]plain{{"greater_than", "body.retry_policy.backoff_factor", "Input should be greater than 0"}},
		},
		{
			"no exponent", policy(func(p *transport.RetryPolicy) { p.Exponent = 0 }),
			[]plain{{"greater_than", "body.retry_policy.exponent", "Input should be greater than 0"}},
		},
		{
			"negative bound", policy(func(p *transport.RetryPolicy) { p.MaxDelay = -time.Second }),
			[]plain{{"greater_than", "body.retry_policy.max_delay", "Input should be greater than 0"}},
		},
		{
			"retry strategy", policy(func(p *transport.RetryPolicy) { p.Strategy = "X" }),
			[]plain{{"enum", "body.retry_policy.strategy", strategies}},
		},
		{"store", transport.GraphSpec{Store: transport.StoreConfig{
			RequiredKeys: []string{"k", "k", "a.b", ""}, DefaultValues: map[string]string{"a.b": "x", " ": "y"},
		}}, []plain{
			{
				"value_error", "body.store_config.required_keys",
				"Value error, Key 'k' is duplicated\nKey 'a.b' cannot contain '.' character\nKey cannot be empty or contain only whitespace",
			},
			{
				"value_error", "body.store_config.default_values",
				"Value error, Key cannot be empty or contain only whitespace\nKey 'a.b' cannot contain '.' character",
			},
		}},
		{
			"cron",
			transport.GraphSpec{Triggers: []transport.CronTrigger{{Expression: "* * * * *"}, {Expression: "not a cron"}}},
			[]plain{{"value_error", "body.triggers.1.expression", "Value error, Invalid cron expression"}},
		},
		{
			"timezone",
			transport.GraphSpec{Triggers: []transport.CronTrigger{{Expression: "* * * * *", Timezone: "Moon/Base"}}},
			[]plain{{"value_error", "body.triggers.0.timezone", "Value error, Invalid timezone"}},
		},

		{"long names", transport.GraphSpec{
			Nodes:   []transport.Placement{{Node: long, Namespace: long, Identifier: long, Inputs: map[string]string{long: ""}}},
			Secrets: transport.Secrets{long: ""},
		}, []plain{
			{"string_too_long", "body.nodes.0.node_name", "String should have at most 512 bytes"},
			{"string_too_long", "body.nodes.0.namespace", "String should have at most 512 bytes"},
			{"string_too_long", "body.nodes.0.identifier", "String should have at most 512 bytes"},
			{"string_too_long", "body.nodes.0.inputs", "String should have at most 512 bytes"},
			{"string_too_long", "body.secrets", "String should have at most 512 bytes"},
		}},
		{
			"a long input", nodes(with(step("a"), strings.Repeat("x", statemanager.MaxInputBytes+1))),
			[]plain{{"string_too_long", "body.nodes.0.inputs.a", "String should have at most 1048576 bytes"}},
		},
		{
			"many nodes", nodes(make([]transport.Placement, statemanager.MaxSteps+1)...),
			[]plain{{"too_long", "body.nodes", "There should be at most 2000 items, not 2001"}},
		},
		{
			"many triggers",
			transport.GraphSpec{Triggers: make([]transport.CronTrigger, statemanager.MaxTriggers+1)},
			[]plain{{"too_long", "body.triggers", "There should be at most 100 items, not 101"}},
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
