package node_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/exospherehost/exo-go/exo/node"
)

// The classes of the recorded registration, as structs.
type (
	plainIn struct {
		Name     string `json:"name"`
		Greeting string `json:"greeting"`
	}
	plainOut struct {
		Message string `json:"message"`
	}
	defaultIn struct {
		A string `json:"a" jsonschema:"default=dflt"`
		B string `json:"b" jsonschema:"description=the b field"`
		C string `json:"c" jsonschema:"default=x,description=c with default,maxLength=10,minLength=1,pattern=^[a-z]+$"`
		D string `json:"d" jsonschema:"example=one,title=Custom Title"`
	}
	defaultOut struct {
		Out string `json:"out" jsonschema:"description=out desc"`
	}
	secretIn struct {
		Q string `json:"q"`
	}
	secretOut struct {
		R string `json:"r"`
	}
	secretSec struct {
		APIKey node.Secret `json:"api_key"`
		Token  string      `json:"token"`
	}
)

// What a node registers must be what the reference SDK registers for the same
// node.
func TestSpecIsThatOfTheReferenceSDK(t *testing.T) {
	t.Parallel()
	recorded, err := os.ReadFile("testdata/pydantic.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []map[string]any
	if err := json.Unmarshal(recorded, &want); err != nil {
		t.Fatal(err)
	}
	for _, spec := range want {
		// Docstrings of classes have no counterpart in Go.
		for _, schema := range []string{"inputs_schema", "outputs_schema"} {
			delete(spec[schema].(map[string]any), "description")
		}
	}
	nodes := []node.Any{
		one[plainIn, plainOut, node.None](t, "PlainNode"),
		one[defaultIn, defaultOut, node.None](t, "DefaultNode"),
		one[node.None, node.None, node.None](t, "EmptyNode"),
		one[secretIn, secretOut, secretSec](t, "SecretNode"),
	}
	var got []map[string]any
	for _, n := range nodes {
		raw, err := json.Marshal(n.Spec())
		if err != nil {
			t.Fatal(err)
		}
		var spec map[string]any
		if err := json.Unmarshal(raw, &spec); err != nil {
			t.Fatal(err)
		}
		got = append(got, spec)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// one is a node that does nothing.
func one[In, Out, Sec any](tb testing.TB, name string) *node.Node[In, Out, Sec] {
	tb.Helper()
	n, err := node.New(name, func(context.Context, In, Sec) (out Out, err error) { return out, nil })
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

type (
	// The name of a type that a node's type may share with another package's.
	row = shadow

	shadow struct {
		ID   int      `json:"id"`
		Tags []string `json:"tags,omitempty"`
	}
	tree struct {
		Kids []tree `json:"kids"`
	}
	knot struct {
		Self node.Val[[]knot] `json:"self"`
	}

	level string // has a schema of its own that still is a string's
)

func (level) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Description: "how loud", Pattern: "^[a-z]+$", Extras: map[string]any{"x-levels": []string{"info", "warn"}}}
}

type base struct {
	Tenant string `json:"tenant"`
	Region string `json:"region,omitempty"`
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	type shadow struct { // not the outer one, but of its name
		Outer row    `json:"outer"`
		Text  string `json:"text"`
	}
	tests := []struct {
		name string
		got  string
		want string
	}{
		{"none", schema[node.None](t), `{"properties":{},"title":"Inputs","type":"object"}`},
		{"optional fields have a default", schema[struct {
			A string `json:"a,omitempty"`
			B string `json:"b,omitzero"`
			C string `json:"c" jsonschema:"default="`
			D string `json:"d,omitempty" jsonschema:"default=x\\,y"`
		}](t), `{"properties":{
			"a":{"type":"string","title":"A","default":""},
			"b":{"type":"string","title":"B","default":""},
			"c":{"type":"string","title":"C","default":""},
			"d":{"type":"string","title":"D","default":"x,y"}},"title":"Inputs","type":"object"}`},
		{"embedded structs are flat", schema[struct {
			base
			ID string
		}](t), `{"properties":{
			"tenant":{"type":"string","title":"Tenant"},
			"region":{"type":"string","title":"Region","default":""},
			"ID":{"type":"string","title":"Id"}},"required":["tenant","ID"],"title":"Inputs","type":"object"}`},
		{"titles", schema[struct {
			A string `json:"user_id2x"`
			B string `json:"URLPath-élan"`
			C string `json:"c__d_"`
		}](t), `{"properties":{
			"user_id2x":{"type":"string","title":"User Id2X"},
			"URLPath-élan":{"type":"string","title":"Urlpath-Élan"},
			"c__d_":{"type":"string","title":"C  D"}},"required":["user_id2x","URLPath-élan","c__d_"],"title":"Inputs","type":"object"}`},
		{"what may be said of a string", schema[struct {
			A string `json:"a" jsonschema:"title=T,description=D\\, d,minLength=1,maxLength=2,pattern=^(x|y)$,format=email,example=x,example=y,readOnly=true" jsonschema_extras:"x-unit=m"`
			B level  `json:"b"`
			C string `json:"c" jsonschema_description:"First, second"`
		}](t), `{"properties":{
			"a":{"type":"string","title":"T","description":"D, d","minLength":1,"maxLength":2,"pattern":"^(x|y)$","format":"email","examples":["x","y"],"readOnly":true,"x-unit":"m"},
			"b":{"type":"string","title":"B","pattern":"^[a-z]+$","x-levels":["info","warn"]},
			"c":{"type":"string","title":"C","description":"First, second"}},"required":["a","b","c"],"title":"Inputs","type":"object"}`},
		{"secrets are strings", schema[struct{ Key node.Secret }](t), `{"properties":{"Key":{"type":"string","title":"Key"}},"required":["Key"],"title":"Inputs","type":"object"}`},
		{"fields left out", schema[struct {
			A string   `json:"a"`
			B chan int `json:"-"`
		}](t), `{"properties":{"a":{"type":"string","title":"A"}},"required":["a"],"title":"Inputs","type":"object"}`},
		{"JSON", schema[struct {
			Rows  node.Val[[]row]              `json:"rows" jsonschema:"description=All of them,default=[]"`
			Count node.Val[map[string]*int]    `json:"count"`
			Deep  node.Val[[]node.Val[[]bool]] `json:"deep"`
			Same  node.Val[shadow]             `json:"same"`
		}](t), `{"properties":{
			"rows":{"type":"string","title":"Rows","description":"All of them","default":"[]","contentMediaType":"application/json","contentSchema":{
				"type":"array","items":{"type":"object","properties":{"id":{"type":"integer"},"tags":{"type":"array","items":{"type":"string"}}},"required":["id"]}}},
			"count":{"type":"string","title":"Count","contentMediaType":"application/json","contentSchema":{"type":"object","additionalProperties":{"type":"integer"}}},
			"deep":{"type":"string","title":"Deep","contentMediaType":"application/json","contentSchema":{
				"type":"array","items":{"type":"array","items":{"type":"boolean"}}}},
			"same":{"type":"string","title":"Same","contentMediaType":"application/json","contentSchema":{"type":"object","properties":{
				"outer":{"type":"object","properties":{"id":{"type":"integer"},"tags":{"type":"array","items":{"type":"string"}}},"required":["id"]},
				"text":{"type":"string"}},"required":["outer","text"]}}},
			"required":["count","deep","same"],"title":"Inputs","type":"object"}`},
		{"recursive JSON", schema[struct {
			Tree node.Val[tree] `json:"tree"`
			Knot node.Val[knot] `json:"knot"`
		}](t), `{"properties":{
			"tree":{"type":"string","title":"Tree","contentMediaType":"application/json"},
			"knot":{"type":"string","title":"Knot","contentMediaType":"application/json"}},"required":["tree","knot"],"title":"Inputs","type":"object"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got, want any
			if err := json.Unmarshal([]byte(tt.got), &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if strings.Contains(tt.got, `"$`) {
				t.Errorf("a key begins with $: %s", tt.got)
			}
		})
	}
}

// schema is that of a node's inputs; the outputs' must differ by its title only.
func schema[T any](tb testing.TB) string {
	tb.Helper()
	spec := one[T, T, node.None](tb, "N").Spec()
	inputs, outputs := string(spec.InputsSchema), string(spec.OutputsSchema)
	if got := strings.ReplaceAll(outputs, `"title":"Outputs"`, `"title":"Inputs"`); got != inputs || got == outputs {
		tb.Errorf("inputs  %s\noutputs %s", inputs, outputs)
	}
	return inputs
}

func TestSpec(t *testing.T) {
	t.Parallel()
	n := one[secretIn, secretOut, secretSec](t, "N")
	spec := n.Spec()
	if d := cmp.Diff([]string{"api_key", "token"}, spec.Secrets); d != "" {
		t.Error(d)
	}
	clear(spec.InputsSchema)
	clear(spec.OutputsSchema)
	clear(spec.Secrets)
	if d := cmp.Diff(one[secretIn, secretOut, secretSec](t, "N").Spec(), n.Spec()); d != "" {
		t.Errorf("a caller has changed the node: %s", d)
	}
	if s := one[node.None, node.None, node.None](t, "N").Spec().Secrets; s == nil || len(s) != 0 {
		t.Errorf("got secrets %#v, want an empty list, which is sent as []", s)
	}
}
