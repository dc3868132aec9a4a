package statemanager_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/cron"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// What is checked, and in which words, is tested with PutGraph: here, that
// CheckGraph finds what PutGraph finds, and goes on where PutGraph stops.
func TestCheckGraph(t *testing.T) {
	t.Parallel()
	nodes := func(p ...transport.Placement) transport.GraphSpec { return transport.GraphSpec{Nodes: p} }
	placed := func(node, identifier string, next ...string) transport.Placement {
		p := step(identifier, next...)
		p.Node = node
		return p
	}
	_, reason := cron.Parse("* * *", "")
	_, noZone := cron.Parse("* * * * *", "Moon/Base")
	for _, c := range []struct {
		name string
		spec transport.GraphSpec
		want []string
	}{
		{"valid", nodes(step("a", "b"), with(step("b"), "${{ a.outputs.o }}")), nil},
		{"valid once trimmed", nodes(step(" a ", "b "), step("b")), nil},
		{"valid, with a secret", transport.GraphSpec{
			Nodes: []transport.Placement{placed("Secret", "a")}, Secrets: transport.Secrets{"key": "v"},
		}, nil},
		{"a join that collects its branches", nodes(
			step("r", "a"), step("a", "u"), with(unite(step("u"), "r", transport.AllDone), "${{ a.outputs.o }}"),
		), nil},

		{"a field of a step", nodes(unite(step("a"), "b", "NOPE"), step("b", "a")), []string{
			`step "a": unites.strategy: must be 'ALL_SUCCESS' or 'ALL_DONE'`,
		}},
		{"an input of a step", nodes(with(step("a"), strings.Repeat("x", graph.MaxInputBytes+1))), []string{
			`step "a": inputs.a: must be at most 1048576 bytes long`,
		}},
		{"a field of the graph", transport.GraphSpec{Nodes: []transport.Placement{step("a")}, Retry: retries(-1)}, []string{
			"retry_policy.max_retries: must be at least 0",
		}},
		{"a trigger, with the reason", transport.GraphSpec{
			Nodes: []transport.Placement{step("a")}, Triggers: []transport.CronTrigger{{Expression: "* * *"}},
		}, []string{
			"triggers.0.expression: Invalid cron expression: " + reason.Error(),
		}},
		{"the structure", nodes(step("a", "zz"), step("a")), []string{
			"Node identifier a is not unique",
			"Node identifier zz does not exist in the graph",
		}},
		{"an input that reads what does not come before", nodes(with(step("a"), "${{ zz.outputs.o }}")), []string{
			"Input ${{ zz.outputs.o }} depends on zz but zz is not a parent of a",
		}},
		{"the nodes", nodes(placed("Nope", "a", "b"), placed("NA", "b", "c"), placed("Secret", "c", "d"), placed("Broken", "d")), []string{
			"Node Nope in namespace ns does not exist",
			"Secret key is required but not present in the graph template",
			`step "b": Input a in node NA in namespace ns is not present in the graph template`,
			`Validation failed due to unexpected error: the inputs schema of node "Broken" is invalid: properties is not an object`,
		}},

		// PutGraph answers the first of these with 422, and would answer the next
		// two with 400.
		{"fields, structure and inputs at once", transport.GraphSpec{
			Nodes: []transport.Placement{step(" a ", "b", "b"), with(step("b", "zz"), "${{ store.k }}"), step("")},
			Retry: retries(-1),
		}, []string{
			`step "a": next_nodes: Next node identifier b is not unique`,
			`step "": identifier: Node identifier cannot be empty`,
			"retry_policy.max_retries: must be at least 0",
			"Node identifier zz does not exist in the graph",
			"Input ${{ store.k }} depends on k but k is not a required key or a default value",
		}},
		// What is wrong with fields says nothing of nodes.
		{"fields and nodes at once", transport.GraphSpec{Nodes: []transport.Placement{placed("NA", "a")}, Retry: retries(-1)}, []string{
			"retry_policy.max_retries: must be at least 0",
			`step "a": Input a in node NA in namespace ns is not present in the graph template`,
		}},
		{"structure and nodes at once", nodes(placed("Nope", "a"), with(step("b"), "${{ zz.outputs.o }} ${{ a.outputs.o }}")), []string{
			"There should be exactly one root node in the graph but found 2 nodes with zero in-degree: [a, b]",
			"Node Nope in namespace ns does not exist",
		}},
		{"what a second step of an identifier leads to and reads", nodes(step("a"), with(step("a", "zz"), "${{ a")), []string{
			"Node identifier a is not unique",
			"Node identifier zz does not exist in the graph",
			"Error creating dependent string for input ${{ a check syntax string: Invalid syntax string placeholder  a for: ${{ a '${' not closed",
		}},
		{"an unknown node, that others read, once", nodes(placed("Nope", "a", "b"), with(placed("Nope", "b", "c"), "${{ a.outputs.o }}"), with(step("c"), "${{ a.outputs.x }}${{ a.outputs.y }}")), []string{
			"Node Nope in namespace ns does not exist",
		}},
		{"a placeholder that is repeated, once", nodes(with(step("a"), "${{ store.k }}${{ store.k }} ${{ store.k }}")), []string{
			"Input ${{ store.k }}${{ store.k }} ${{ store.k }} depends on k but k is not a required key or a default value",
		}},
		{"a step without a node", nodes(placed("", "a")), []string{
			`step "a": node_name: Node name cannot be empty`,
		}},
		{"both parts of a trigger", transport.GraphSpec{
			Nodes: []transport.Placement{step("a")}, Triggers: []transport.CronTrigger{{Expression: "* * *", Timezone: "Moon/Base"}},
		}, []string{
			"triggers.0.expression: Invalid cron expression: " + reason.Error(),
			"triggers.0.timezone: Invalid timezone: " + noZone.Error(),
		}},
		{"keys of defaults are trimmed", transport.GraphSpec{
			Nodes: []transport.Placement{with(step("a"), "${{ store.k }}")}, Store: transport.StoreConfig{DefaultValues: map[string]string{" k\n": "v"}},
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, statemanager.Options{})
			b.register("ns",
				transport.NodeSpec{Name: "Secret", InputsSchema: schema(), OutputsSchema: schema(), Secrets: []string{"key"}},
				transport.NodeSpec{Name: "Broken", InputsSchema: json.RawMessage(`{"properties":[]}`), OutputsSchema: schema()},
			)
			got := graph.Check("ns", "g", c.spec, b.Nodes("ns"))
			if diff := cmp.Diff(append([]string{}, c.want...), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			status, err := b.PutGraph(b.now, "ns", "g", c.spec)
			if valid := err == nil && status.Status == transport.Valid; valid != (len(got) == 0) {
				t.Errorf("PutGraph says %s, %v", status.Status, err)
			}
		})
	}
}

// The graph's own names are checked as well as what it holds.
func TestCheckGraphNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", graph.MaxNameBytes+1)
	g := transport.GraphSpec{Nodes: []transport.Placement{step("a")}}
	nodes := []transport.NodeInfo{{NodeSpec: node("N"), Namespace: "ns"}}
	for _, c := range []struct {
		name, namespace, graph string
		want                   []string
	}{
		{"empty", "ns", " ", []string{"Name cannot be empty"}},
		{"long", long, long, []string{
			"namespace: must be at most 512 bytes long",
			"name: must be at most 512 bytes long",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, graph.Check(c.namespace, c.graph, g, nodes)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Only the nodes that are given count as registered, each in its own namespace
// and not in that of the graph.
func TestCheckGraphLooksForNodesWhereTheyAre(t *testing.T) {
	t.Parallel()
	g := transport.GraphSpec{Nodes: []transport.Placement{step("a")}} // placed in ns
	for _, c := range []struct {
		name, graph, node string
		valid             bool
	}{
		{"where the step says", "far", "ns", true},
		{"with the graph", "far", "far", false},
		{"elsewhere", "ns", "far", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			problems := graph.Check(c.graph, "g", g, []transport.NodeInfo{{NodeSpec: node("N"), Namespace: c.node}})
			if (len(problems) == 0) != c.valid {
				t.Errorf("problems are %q", problems)
			}
		})
	}
}
