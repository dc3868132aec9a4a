package local_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

// The same graph gives the same run in process and over HTTP on loopback, and
// each sees what the other does: a graph is written and triggered on one way,
// executed on the other, and read on both.
func TestSameGraphEitherWay(t *testing.T) {
	t.Parallel()
	sm := newLocal(t)
	server := httptest.NewServer(sm.Handler("other", key))
	t.Cleanup(server.Close)
	inProcess, overHTTP := sm.Namespace(ns), transport.HTTP{URL: server.URL, APIKey: key, Client: server.Client()}.Namespace(ns)
	graph := transport.GraphSpec{
		Nodes: []transport.Placement{
			step("Read", "read", "${{ store.source }}", "split"),
			step("Split", "split", "${{ read.outputs.text }}", "count"),
			step("Count", "count", "${{ split.outputs.text }}", "sum"),
			{
				Node: "Sum", Namespace: ns, Identifier: "sum", Inputs: map[string]string{"text": "${{ count.outputs.text }}"},
				Unites: &transport.Unites{Identifier: "read"},
			},
		},
		Secrets: transport.Secrets{"token": "s3cret"},
		Store:   transport.StoreConfig{RequiredKeys: []string{"source"}},
	}
	var runs []map[string]string
	for i, ways := range [][2]transport.Transport{{inProcess, overHTTP}, {overHTTP, inProcess}} {
		manager, worker := ways[0], ways[1]
		prepare(t, worker, "Read", "Split", "Count", "Sum")
		name := fmt.Sprintf("sums-%d", i)
		put(t, manager, name, graph)
		id, err := manager.Trigger(t.Context(), name, transport.TriggerSpec{Store: map[string]string{"source": "book"}})
		if err != nil {
			t.Fatal(err)
		}
		work(t, worker)
		var want []transport.State
		for _, reader := range []transport.Transport{manager, worker} {
			info, states, err := reader.(transport.RunReader).Run(t.Context(), id, time.Minute)
			if err != nil || info.Status != transport.RunSuccess || info.Total != 8 {
				t.Fatalf("%+v %v", info, err)
			}
			for j := range states {
				states[j].CreatedAt = states[j].CreatedAt.UTC().Truncate(time.Microsecond)
				states[j].UpdatedAt = states[j].UpdatedAt.UTC().Truncate(time.Microsecond)
			}
			if want == nil {
				want = states
			} else if diff := cmp.Diff(want, states, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the two ways differ: %s", diff)
			}
		}
		outputs := map[string]string{}
		for _, s := range want {
			outputs[s.Identifier] += string(s.Outputs)
		}
		runs = append(runs, outputs)
	}
	want := map[string]string{
		"read": `{"text":"a b c"}`, "split": `{"text":"a"}{"text":"b"}{"text":"c"}`, "count": `{"text":"1"}{"text":"1"}{"text":"1"}`,
		"sum": `{"text":"sum of [\"1\",\"1\",\"1\"]"}`,
	}
	if diff := cmp.Diff([]map[string]string{want, want}, runs); diff != "" {
		t.Error(diff)
	}
}

// work executes states until the join has been.
func work(t *testing.T, worker transport.Transport) {
	t.Helper()
	for summed := false; !summed; {
		states, err := worker.Claim(context.Background(), transport.ClaimRequest{
			Nodes: []string{"Read", "Split", "Count", "Sum"}, Max: 2, Wait: time.Second, Lease: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range states {
			switch s.Node {
			case "Read":
				do(t, worker, s, "a b c")
			case "Split":
				do(t, worker, s, "a", "b", "c")
			case "Count":
				do(t, worker, s, "1")
			case "Sum":
				summed = true
				if got, want := string(s.Inputs), `{"text":"[\"1\",\"1\",\"1\"]"}`; got != want {
					t.Errorf("the join gets %s, want %s", got, want)
				}
				do(t, worker, s, `sum of [\"1\",\"1\",\"1\"]`)
			}
		}
	}
}

func TestKeepRuns(t *testing.T) {
	t.Parallel()
	sm := newLocal(t, local.WithKeepRuns(2))
	way := sm.Namespace(ns)
	prepare(t, way, "A")
	for range 5 {
		trigger(t, way, "A", 0)
		do(t, way, claim(t, way, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1})[0], "x")
	}
	trigger(t, way, "A", 0)
	if page, err := way.Runs(t.Context(), 1, 10); err != nil || page.Total != 3 {
		t.Errorf("%d runs (%v), want the last two and the one under way", page.Total, err)
	}
}

func TestKeepStates(t *testing.T) {
	t.Parallel()
	sm := newLocal(t, local.WithKeepStates(4))
	way := sm.Namespace(ns)
	prepare(t, way, "A")
	for range 3 {
		trigger(t, way, "A", 0)
		do(t, way, claim(t, way, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1})[0], "x", "y") // two states
	}
	if page, err := way.Runs(t.Context(), 1, 10); err != nil || page.Total != 2 {
		t.Errorf("%d runs (%v), want the last two", page.Total, err)
	}
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	sm := newLocal(t)
	for _, name := range []string{"ops", "etl"} {
		if err := sm.Namespace(name).Register(t.Context(), "worker", []transport.NodeSpec{spec("A")}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := sm.Namespaces(t.Context())
	if diff := cmp.Diff([]string{"etl", "ops"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
