package statemanager_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestValidation(t *testing.T) {
	t.Parallel()
	place := func(node, ns string, inputs map[string]string) []transport.Placement {
		return []transport.Placement{{Node: node, Namespace: ns, Identifier: "a", Inputs: inputs}}
	}
	for _, c := range []struct {
		name    string
		nodes   []transport.Placement
		secrets transport.Secrets
		want    []string
	}{
		{"fits", place("B", "ns", map[string]string{"a": "", "b": "", "extra": ""}), nil, nil},
		{
			"unknown node", place("Nope", "ns", nil), nil,
			[]string{"Node Nope in namespace ns does not exist.", "Node Nope in namespace ns does not exist"},
		},
		{
			"node of another namespace", place("A", "elsewhere", nil), nil,
			[]string{"Node A in namespace elsewhere does not exist.", "Node A in namespace elsewhere does not exist"},
		},
		{
			"missing input", place("B", "ns", map[string]string{"a": "v"}), nil,
			[]string{"Input b in node B in namespace ns is not present in the graph template"},
		},
		{"missing inputs", place("B", "ns", nil), nil, []string{
			"Input a in node B in namespace ns is not present in the graph template",
			"Input b in node B in namespace ns is not present in the graph template",
		}},
		{
			"unknown output",
			[]transport.Placement{step("a", "b"), with(step("b"), "${{ a.outputs.nope }}")},
			nil,
			[]string{"Field nope in node N in namespace ns does not exist"},
		},
		{"missing secret", place("Sec", "ns", nil), nil, []string{
			"Secret key is required but not present in the graph template",
			"Secret tok is required but not present in the graph template",
		}},
		{"secrets, one of them empty", place("Sec", "ns", nil), transport.Secrets{"tok": "", "key": "v", "unused": "u"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, statemanager.Options{})
			b.register("ns", node("B", "a", "b"),
				transport.NodeSpec{Name: "Sec", InputsSchema: schema(), OutputsSchema: schema(), Secrets: []string{"key", "tok", "key"}})
			s, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{Nodes: c.nodes, Secrets: c.secrets})
			if err != nil {
				t.Fatalf("PutGraph: %v", err)
			}
			if diff := cmp.Diff(c.want, s.Errors); diff != "" {
				t.Errorf("validation errors (-want +got):\n%s", diff)
			}
			want := transport.Valid
			if len(c.want) > 0 {
				want = transport.Invalid
			}
			if s.Status != want {
				t.Errorf("the graph is %s, want %s", s.Status, want)
			}
		})
	}
}

// Schemas are read as strictly as the reference server reads them.
func TestSchemas(t *testing.T) {
	t.Parallel()
	const fits, noString = "", "Input a in node X in namespace ns is not a string"
	refused := func(reason string) string {
		return `Validation failed due to unexpected error: the inputs schema of node "X" is invalid: ` + reason
	}
	one := func(property string) string { return `{"properties":{"a":` + property + `},"required":["a"]}` }
	for _, c := range []struct{ name, schema, want string }{
		{"nothing", `{}`, fits},
		{"no properties", `{"properties":{},"type":"object"}`, fits},
		{"string", one(`{"type":"string"}`), fits},
		{"annotated", one(`{"type":"string","title":"t","description":"d","examples":["e"],"minLength":1,"maxLength":2,` +
			`"contentMediaType":"m","contentSchema":{"enum":[1]},"x-y":1,"pattern":"^[a-z]+$"}`), fits},
		{"format email", one(`{"type":"string","format":"email"}`), fits},
		{"optional with a default", `{"properties":{"a":{"type":"string","default":""}}}`, fits},
		{"additionalProperties, $schema and $id", `{"$schema":"s","$id":"i","additionalProperties":false,"properties":{"a":{"type":"string"}},"required":["a"]}`, fits},

		{"optional without a default", `{"properties":{"a":{"type":"string"}}}`, noString},
		{"integer", one(`{"type":"integer"}`), noString},
		{"no type", one(`{}`), noString},
		{"any", one(`true`), noString},
		{"types", one(`{"type":["string","null"]}`), noString},
		{"enum", one(`{"type":"string","enum":["a"]}`), noString},
		{"const", one(`{"type":"string","const":"a"}`), noString},
		{"anyOf", one(`{"type":"string","anyOf":[{"type":"string"}]}`), noString},
		{"oneOf", one(`{"type":"string","oneOf":[]}`), noString},
		{"allOf", one(`{"type":"string","allOf":[]}`), noString},
		{"$ref", one(`{"$ref":"#/$defs/a"}`), noString},
		{"date-time", one(`{"type":"string","format":"date-time"}`), noString},
		{"date", one(`{"type":"string","format":"date"}`), noString},
		{"time", one(`{"type":"string","format":"time"}`), noString},
		{"uri", one(`{"type":"string","format":"uri"}`), noString},
		{"uuid", one(`{"type":"string","format":"uuid"}`), noString},

		{
			"underscore", `{"properties":{"_a":{"type":"string"}}}`,
			refused("property _a: names with a leading underscore and the name model_config are not allowed"),
		},
		{
			"model_config", `{"properties":{"model_config":{"type":"string"}}}`,
			refused("property model_config: names with a leading underscore and the name model_config are not allowed"),
		},
		{
			"look-ahead", one(`{"type":"string","pattern":"a(?=b)"}`),
			refused("property a: invalid pattern: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
		},
		{"properties", `{"properties":[]}`, refused("properties is not an object")},
		{"required", `{"properties":{"a":{"type":"string"}},"required":"a"}`, refused("required is not a list")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, statemanager.Options{})
			b.register("ns", transport.NodeSpec{Name: "X", InputsSchema: json.RawMessage(c.schema), OutputsSchema: schema("o")})
			s, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{Nodes: []transport.Placement{
				{Node: "X", Namespace: "ns", Identifier: "x", Inputs: map[string]string{"a": ""}},
			}})
			if err != nil {
				t.Fatalf("PutGraph: %v", err)
			}
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			if diff := cmp.Diff(want, s.Errors); diff != "" {
				t.Errorf("validation errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOutputFieldMustBeString(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.register("ns", transport.NodeSpec{
		Name: "N", InputsSchema: schema(),
		OutputsSchema: json.RawMessage(`{"properties":{"o":{"type":"integer"}},"required":["o"]}`),
	})
	s, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{Nodes: []transport.Placement{
		step("a", "b"), with(step("b"), "${{ a.outputs.o }}"),
	}})
	if err != nil {
		t.Fatalf("PutGraph: %v", err)
	}
	if diff := cmp.Diff([]string{"Field o in node N in namespace ns is not a string"}, s.Errors); diff != "" {
		t.Errorf("validation errors (-want +got):\n%s", diff)
	}
}

// A graph is validated again when a node that it places comes or changes.
func TestGraphIsValidatedAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	put, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{Nodes: []transport.Placement{
		{Node: "Late", Namespace: "far", Identifier: "a", Inputs: map[string]string{"x": "1"}},
	}})
	if err != nil || put.Status != transport.Invalid {
		t.Fatalf("PutGraph: %s, %v", put.Status, err)
	}
	status := func() transport.GraphInfo {
		s, err := b.Graph("ns", "g")
		if err != nil {
			t.Fatalf("Graph: %v", err)
		}
		return s
	}
	for i, c := range []struct {
		node transport.NodeSpec
		want transport.ValidationStatus
		anew bool
	}{
		{node("Other"), transport.Invalid, false},
		{node("Late", "x"), transport.Valid, true},
		{node("Late", "x"), transport.Valid, false}, // nothing has changed
		{node("Late", "x", "y"), transport.Invalid, true},
		{node("Late"), transport.Valid, true},
	} {
		before := status()
		b.now = b.now.Add(time.Second)
		b.register("far", c.node)
		s := status()
		if s.Status != c.want {
			t.Errorf("%d: the graph is %s (%q), want %s", i, s.Status, s.Errors, c.want)
		}
		if anew := !s.UpdatedAt.Equal(before.UpdatedAt); anew != c.anew {
			t.Errorf("%d: the graph was validated again: %t, want %t", i, anew, c.anew)
		}
		if !s.CreatedAt.Equal(put.CreatedAt) {
			t.Errorf("%d: created at %s, want %s", i, s.CreatedAt, put.CreatedAt)
		}
	}
}
