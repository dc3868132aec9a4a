package graphfile_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/graphfile"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
)

func TestParseDefaults(t *testing.T) {
	t.Parallel()
	name, got, err := graphfile.Parse([]byte(`{
		"name": "n", "secrets": {"a": null, "b": "x"}, "triggers": null,
		"retry_policy": {"backoff_factor": 500, "max_delay": null},
		"nodes": [{"node_name": "N", "identifier": "i", "next_nodes": null},
			{"node_name": "M", "namespace": "other", "identifier": "j", "unites": {"identifier": "i"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := exo.GraphSpec{
		Nodes: []transport.Placement{
			{Node: "N", Identifier: "i", Inputs: map[string]string{}, Next: []string{}},
			{
				Node: "M", Namespace: "other", Identifier: "j", Inputs: map[string]string{}, Next: []string{},
				Unites: &transport.Unites{Identifier: "i", Strategy: exo.AllSuccess},
			},
		},
		Secrets: transport.Secrets{"a": "", "b": "x"},
		Retry:   &exo.RetryPolicy{MaxRetries: 3, Strategy: exo.Exponential, Backoff: time.Second / 2, Exponent: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" || name != "n" {
		t.Errorf("%q (-want +got):\n%s", name, diff)
	}
}

func TestParseMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file string
		want       []string
	}{
		{"nothing", ``, []string{"EOF"}},
		{"no JSON", "{\n\"name\": x", []string{"line 2: invalid character 'x'"}},
		{"no object", `[1]`, []string{"the graph: want an object, got [1]"}},
		{"more than a graph", `{"name":"n","nodes":[]} {}`, []string{"unexpected data after the graph"}},
		{"nothing in it", `{}`, []string{`"name" is missing`, `"nodes" is missing`}},
		{"no name", `{"name":" ","nodes":[]}`, []string{"name: is empty"}},
		{"null for a name", `{"name":null,"nodes":[]}`, []string{`"name" is missing`}},
		{"unknown members", `{"Name":"n","nodes":[{"node_name":"N","identifier":"i","next_node":[]}],"retries":1}`, []string{
			`the graph: unknown member "Name"`, `nodes[0]: unknown member "next_node" (want one of identifier, inputs, namespace, next_nodes, node_name, unites)`,
			`unknown member "retries"`,
		}},
		{"a member twice", `{"name":"n","nodes":[],"name":"m"}`, []string{`"name" is given twice`}},
		{"unknown members below", `{"name":"n","nodes":[{"node_name":"N","identifier":"i","unites":{"id":"x"}}],
			"retry_policy":{"max_retry":1},"store_config":{"keys":[]},"triggers":[{"type":"CRON","value":{"cron":"* * * * *"}}]}`, []string{
			`nodes[0]: unites: unknown member "id"`, `unites: member "identifier" is missing`, `retry_policy: unknown member "max_retry"`,
			`store_config: unknown member "keys"`, `triggers[0]: value: unknown member "cron"`, `value: member "expression" is missing`,
		}},
		{"wrong types", `{"name":1,"nodes":[{"node_name":[],"identifier":"i","inputs":{"a":1}},7],"triggers":{},
			"retry_policy":{"max_retries":"3","backoff_factor":1.5,"max_delay":9223372036854775807}}`, []string{
			"name: want a string, got 1", "nodes[0]: node_name: want a string, got []", "nodes[0]: inputs: want an object of strings",
			"nodes[1]: want an object, got 7", "triggers: want a list of objects, got {}", "max_retries: want a whole number",
			"backoff_factor: want a whole number of milliseconds, got 1.5", "max_delay: 9223372036854775807 milliseconds are too long",
		}},
		{"an input that is null", `{"name":"n","nodes":[{"node_name":"N","identifier":"i","inputs":{"a":null}}]}`, []string{`inputs: "a": want a string, got null`}},
		{"another trigger", `{"name":"n","nodes":[],"triggers":[{"type":"KAFKA","value":{"expression":"x"}}]}`, []string{`triggers[0]: type: want "CRON", got "KAFKA"`}},
		{"a long value", `{"name":["` + strings.Repeat("ä", 100) + `"],"nodes":[]}`, []string{"…"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := graphfile.Parse([]byte(test.file))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in:\n%v", want, err)
				}
			}
		})
	}
}

func TestParseTellsNoSecrets(t *testing.T) {
	t.Parallel()
	_, _, err := graphfile.Parse([]byte(`{"name":"n","nodes":[],"secrets":{"key":["hush-hush"]}}`))
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Error(err)
	}
}

// A graph that Parse accepts is the same after it is written and parsed again.
func FuzzParse(f *testing.F) {
	file, err := os.ReadFile("../testdata/map-reduce.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte(`{"name":"n","nodes":[]}`))
	f.Add([]byte(`{"name":"n","nodes":[{"node_name":"N","identifier":"i","inputs":{"a":"b"},"unites":null}],"secrets":{"k":"v"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		name, spec, err := graphfile.Parse(data)
		if err != nil {
			return
		}
		again := map[string]any{
			"name": name, "secrets": map[string]string(spec.Secrets), "nodes": spec.Nodes,
			"store_config": spec.Store, "triggers": spec.Triggers,
		}
		if p := spec.Retry; p != nil { // whose MarshalJSON leaves zeros out
			again["retry_policy"] = map[string]any{
				"max_retries": p.MaxRetries, "strategy": p.Strategy, "exponent": p.Exponent,
				"backoff_factor": p.Backoff.Milliseconds(), "max_delay": p.MaxDelay.Milliseconds(),
			}
		}
		text, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		same, second, err := graphfile.Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(spec, second); diff != "" || same != name {
			t.Errorf("%q, was %q (-first +second):\n%s", same, name, diff)
		}
	})
}
