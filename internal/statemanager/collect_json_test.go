package statemanager_test

import (
	"encoding/json"
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// jsonNode is a node whose output "o" holds JSON, as its schema says.
func jsonNode(name, contentMediaType string) transport.NodeSpec {
	n := node(name)
	n.OutputsSchema = json.RawMessage(`{"type":"object","properties":{"o":{"type":"string","contentMediaType":"` + contentMediaType + `"}},"required":["o"]}`)
	return n
}

// What stands in a collected list, by what the schema says of the texts.
func TestCollectJSON(t *testing.T) {
	t.Parallel()
	const isJSON = "application/json"
	tests := []struct {
		name      string
		mediaType string
		texts     []string
		want      []any // what the list holds
	}{
		{"numbers and booleans", isJSON, []string{"1", "-2.5e3", "true", "null"}, []any{1.0, -2500.0, true, nil}},
		{"strings", isJSON, []string{`"a"`, `"\"\\\n\u00e9"`}, []any{"a", "\"\\\né"}},
		{"lists of lists", isJSON, []string{"[]", "[[1],[]]", `[["a"]]`}, []any{[]any{}, []any{[]any{1.0}, []any{}}, []any{[]any{"a"}}}},
		{"objects", isJSON, []string{`{"a":{"b":[1]}}`, "{}"}, []any{map[string]any{"a": map[string]any{"b": []any{1.0}}}, map[string]any{}}},
		{"white space", isJSON, []string{" 1\n", "{\n\t\"a\": 1 }"}, []any{1.0, map[string]any{"a": 1.0}}},
		{"not JSON, against the schema", isJSON, []string{"1", "007", "True", "{", "1 2", "[1,]", "NaN", "'a'", "3"}, []any{1.0, "007", "True", "{", "1 2", "[1,]", "NaN", "'a'", 3.0}},
		{"empty texts, against the schema", isJSON, []string{"", "1", " "}, []any{"", 1.0, " "}},
		{"no end of the list is forged", isJSON, []string{`1],[2`, `1,2`, `"],["`}, []any{"1],[2", "1,2", "],["}},
		{"plain texts that look like JSON", "text/plain", []string{"1", "[2]", "", "a"}, []any{"1", "[2]", "", "a"}},
		{"another media type", "application/json; charset=utf-8", []string{"1"}, []any{"1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, statemanager.Options{})
			b.register("ns", jsonNode("N", tt.mediaType))
			b.steps(step("root", "work"), step("work", "join"), with(unite(step("join"), "root", allSuccess), "${{ work.outputs.o }}"))
			run := b.run()
			b.do("root", outputs("x"))
			b.do("work", outputs(tt.texts...))
			want, err := json.Marshal(tt.want)
			if err != nil {
				t.Fatal(err)
			}
			if got := collected(t, b.do("join", outputs("x"))); got != string(want) {
				t.Errorf("collected %s, want %s", got, want)
			}
			b.wantStatus(run, transport.RunSuccess)
		})
	}
}

// collected is the list in the one input of a state, written anew.
func collected(t *testing.T, s transport.Claimed) string {
	t.Helper()
	var inputs map[string]string
	if err := json.Unmarshal(s.Inputs, &inputs); err != nil {
		t.Fatalf("the inputs %s: %v", s.Inputs, err)
	}
	var list []any
	if err := json.Unmarshal([]byte(inputs["a"]), &list); err != nil {
		t.Fatalf("collected %s: %v", inputs["a"], err)
	}
	again, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(again)
}

// A list that an inner join has collected is an element of the list that an outer
// one collects, if the inner join's node says that it gives JSON.
func TestCollectNested(t *testing.T) {
	t.Parallel()
	for mediaType, want := range map[string]string{"application/json": `[[1,2]]`, "text/plain": `["[1,2]"]`} {
		b := newBed(t, statemanager.Options{})
		inner := jsonNode("NA", mediaType)
		inner.InputsSchema = schema("a")
		b.register("ns", jsonNode("N", "application/json"), inner)
		b.steps(step("root", "split"), step("split", "work"), step("work", "inner"),
			with(unite(step("inner", "outer"), "split", allSuccess), "${{ work.outputs.o }}"),
			with(unite(step("outer"), "root", allSuccess), "${{ inner.outputs.o }}"))
		b.run()
		b.do("root", outputs("x"))
		b.do("split", outputs("x"))
		b.do("work", outputs("1", "2"))
		if got := collected(t, b.do("inner", outputs("[1,2]"))); got != "[1,2]" {
			t.Errorf("the inner join collects %s", got)
		}
		if got := collected(t, b.do("outer", outputs("x"))); got != want {
			t.Errorf("with %s the outer join collects %s, want %s", mediaType, got, want)
		}
	}
}
