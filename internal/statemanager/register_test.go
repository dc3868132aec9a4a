package statemanager_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	e := statemanager.New(statemanager.Options{})
	later := epoch.Add(time.Minute)
	spec := func(name, field string) transport.NodeSpec {
		return transport.NodeSpec{Name: name, InputsSchema: schema(field), OutputsSchema: json.RawMessage(` {"x":1} `), Secrets: []string{"s"}}
	}
	for _, r := range []struct {
		now     time.Time
		runtime string
		nodes   []transport.NodeSpec
	}{
		{epoch, "", []transport.NodeSpec{{}}},
		{epoch, "r", []transport.NodeSpec{spec("Dup", "a"), spec("Dup", "b")}},
		{later, "r2", []transport.NodeSpec{spec("Dup", "c")}},
		{later, "r3", nil},
	} {
		if err := e.Register(r.now, "ns", r.runtime, r.nodes); err != nil {
			t.Fatalf("Register: %v", err)
		}
	}
	want := []transport.NodeInfo{
		{
			NodeSpec:  transport.NodeSpec{InputsSchema: json.RawMessage(`{}`), OutputsSchema: json.RawMessage(`{}`)},
			Namespace: "ns", RuntimeNamespace: "ns", CreatedAt: epoch, UpdatedAt: epoch,
		},
		{NodeSpec: spec("Dup", "c"), Namespace: "ns", Runtime: "r2", RuntimeNamespace: "ns", CreatedAt: epoch, UpdatedAt: later},
	}
	if diff := cmp.Diff(want, e.Nodes("ns")); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if got := e.Nodes("other"); got != nil {
		t.Errorf("another namespace has %v", got)
	}
}

// What the caller does with its slices afterwards is its own affair.
func TestRegisterCopies(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	spec := transport.NodeSpec{Name: "X", InputsSchema: schema("a"), OutputsSchema: schema(), Secrets: []string{"s"}}
	b.register("ns", spec)
	before := said(b.Nodes("ns"))
	clear(spec.InputsSchema)
	spec.Secrets[0] = "t"
	got := b.Nodes("ns")
	if said(got) != before {
		t.Errorf("nodes are\n%s\nwere\n%s", said(got), before)
	}
	clear(got[2].InputsSchema)
	got[2].Secrets[0] = "t"
	if said(b.Nodes("ns")) != before {
		t.Error("nodes can be changed from outside")
	}
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", graph.MaxNameBytes+1)
	for _, c := range []struct {
		name  string
		nodes []transport.NodeSpec
		want  plain
	}{
		{
			"a schema that is no object",
			[]transport.NodeSpec{{Name: "A"}, {Name: "B", InputsSchema: json.RawMessage(`[]`)}},
			plain{"nodes.1.inputs_schema", "must be a JSON object"},
		},
		{
			"a schema that is no JSON",
			[]transport.NodeSpec{{Name: "A", OutputsSchema: json.RawMessage(`{"a":`)}},
			plain{"nodes.0.outputs_schema", "must be a JSON object"},
		},
		{
			"a long name",
			[]transport.NodeSpec{{Name: long}},
			plain{"nodes.0.name", "must be at most 512 bytes long"},
		},
		{
			"many nodes", make([]transport.NodeSpec, statemanager.MaxRegistered+1),
			plain{"nodes", "must have at most 10000 items, not 10001"},
		},
		{
			"many secrets",
			[]transport.NodeSpec{{Name: "A", Secrets: make([]string, graph.MaxSecrets+1)}},
			plain{"nodes.0.secrets", "must have at most 1000 items, not 1001"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := statemanager.New(statemanager.Options{})
			err := e.Register(epoch, "ns", "r", c.nodes)
			if diff := cmp.Diff([]plain{c.want}, fieldErrors(t, err)); diff != "" {
				t.Errorf("field errors (-want +got):\n%s", diff)
			}
			if got := e.Nodes("ns"); got != nil {
				t.Errorf("something was registered: %v", got)
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.register("b", node("X"))
	if _, err := b.PutGraph(b.now, "a", "g", transport.GraphSpec{Nodes: []transport.Placement{
		{Node: "X", Namespace: "b", Identifier: "x"}, // b is there already
	}}); err != nil {
		t.Fatalf("PutGraph: %v", err)
	}
	b.Claim(b.now, "nowhere", transport.ClaimRequest{Nodes: []string{"N"}, Max: 1})
	if diff := cmp.Diff([]string{"a", "b", "ns"}, b.Namespaces()); diff != "" {
		t.Errorf("namespaces (-want +got):\n%s", diff)
	}
}
