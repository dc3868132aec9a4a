package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
)

// FuzzExecute gives a node that hands on what it gets any inputs at all. It never
// panics, and what it gives is what it gives again for that.
func FuzzExecute(f *testing.F) {
	type line struct {
		Name string         `json:"name"`
		N    node.Val[int8] `json:"n"`
	}
	type fields struct {
		Text string                   `json:"text,omitempty"`
		N    node.Val[int]            `json:"n" jsonschema:"default=3"`
		F    node.Val[float32]        `json:"f,omitempty"`
		On   node.Val[bool]           `json:"on,omitempty"`
		S    node.Val[string]         `json:"s,omitempty"`
		At   node.Val[time.Time]      `json:"at,omitempty"`
		For  node.Val[time.Duration]  `json:"for,omitempty"`
		Ns   node.Val[[]int]          `json:"ns,omitempty"`
		Fors node.Val[[]float64]      `json:"fs,omitempty"`
		List node.Val[[]line]         `json:"list,omitempty"`
		Map  node.Val[map[string]any] `json:"map,omitempty"`
	}
	n, err := node.New("N", func(_ context.Context, in fields, _ node.None) (fields, error) { return in, nil })
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		`{}`, `{"text":"a","n":"1","f":"1e-9","on":"T","s":"\u00e9","at":"2024-05-05T10:00:00.5+02:00","for":"1h1ns"}`,
		`{"ns":"[1,\"007\",\"+3\"]","fs":"[\"1e3\",2]","list":"[{\"name\":\"a\",\"n\":1},\"{\\\"n\\\":2}\"]","map":"{\"a\":[null]}"}`,
		`{"ns":"[1,\"\"]"}`, `{"ns":"[\"1],[2\"]"}`, `{"n":null,"n":"","n":1}`, `{"list":"null","map":"null","ns":"[]"}`, `[`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		first, err := n.Execute(t.Context(), &node.Request{Inputs: []byte(raw)})
		if err != nil {
			return
		}
		again, err := n.Execute(t.Context(), &node.Request{Inputs: first[0]})
		if err != nil {
			t.Fatalf("%s gives %s, which does not decode: %v", raw, first[0], err)
		}
		if string(first[0]) != string(again[0]) {
			t.Fatalf("%s gives %s, which gives %s", raw, first[0], again[0])
		}
	})
}
