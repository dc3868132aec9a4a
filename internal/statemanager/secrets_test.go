package statemanager_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// Secrets are given to who has the state under claim, and only those that its
// node declares.
func TestSecrets(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.register("ns", transport.NodeSpec{Name: "S", InputsSchema: schema(), OutputsSchema: schema("o"), Secrets: []string{"key", "empty"}})
	secrets := transport.Secrets{"key": "k-123", "empty": "", "unused": "u-456"}
	g := transport.GraphSpec{Nodes: []transport.Placement{
		{Node: "S", Namespace: "ns", Identifier: "s", Next: []string{"n"}}, step("n"),
	}, Secrets: secrets}
	b.graph("g", g)
	secrets["key"] = "changed" // the caller's own
	run := b.run()
	id := b.last(run, "s").ID
	refused := func(status int, message string) {
		t.Helper()
		got, err := b.Secrets(b.now, "ns", id)
		wantError(t, err, status, message)
		if got != nil {
			t.Error("there are secrets with the error")
		}
	}
	refused(http.StatusBadRequest, "State is not queued")
	s := b.Claim(b.now, "ns", transport.ClaimRequest{Nodes: []string{"S"}, Max: 1, Lease: time.Minute})[0]

	// The run keeps the secrets that it began with.
	g.Secrets = transport.Secrets{"key": "new", "empty": ""}
	b.graph("g", g)
	got, err := b.Secrets(b.now, "ns", s.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"key": "k-123", "empty": ""}, map[string]string(got)); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	got["key"] = "changed"
	if again, _ := b.Secrets(b.now, "ns", s.ID); again["key"] != "k-123" {
		t.Error("secrets can be changed from outside")
	}
	b.report(s, outputs("x"))
	refused(http.StatusBadRequest, "State is not queued")
	n := b.claim("n")
	if got, err := b.Secrets(b.now, "ns", n.ID); err != nil || len(got) != 0 {
		t.Errorf("a node without secrets gets %d, %v", len(got), err)
	}
	id = n.ID
	b.now = b.now.Add(time.Hour)
	if err := b.CancelRun(b.now, "ns", run); err != nil {
		t.Fatal(err)
	}
	refused(http.StatusBadRequest, "State is not queued")
	_, err = b.Secrets(b.now, "other", n.ID)
	wantError(t, err, http.StatusNotFound, "State not found")

	id = b.last(b.run(), "s").ID
	b.Claim(b.now, "ns", transport.ClaimRequest{Nodes: []string{"S"}, Max: 1, Lease: time.Minute})
	b.now = b.now.Add(time.Minute)
	refused(http.StatusBadRequest, "State is not queued") // the lease has ended
}

// Nothing that the engine tells holds a secret.
func TestSecretsAreNotTold(t *testing.T) {
	t.Parallel()
	const canary = "canary-7d1f"
	var told strings.Builder
	b := newBed(t, statemanager.Options{OnChange: func(c statemanager.Change) { fmt.Fprintf(&told, "%+v", c) }})
	b.register("ns", transport.NodeSpec{Name: "S", InputsSchema: schema(), OutputsSchema: schema(), Secrets: []string{"key"}})
	spec := transport.GraphSpec{
		Nodes:   []transport.Placement{{Node: "S", Namespace: "ns", Identifier: "s"}},
		Secrets: transport.Secrets{"key": canary, "other": canary},
	}
	status, err := b.PutGraph(b.now, "ns", "g", spec)
	fmt.Fprintf(&told, "%#v %v", status, err)
	run := b.run()
	for _, bad := range []transport.GraphSpec{
		{Nodes: append(spec.Nodes, step("")), Secrets: spec.Secrets},
		{Nodes: append(spec.Nodes, step("x")), Secrets: spec.Secrets},
		{Nodes: spec.Nodes, Secrets: transport.Secrets{strings.Repeat("n", 1000): canary, "": canary}},
		{Nodes: spec.Nodes, Secrets: transport.Secrets{"wrong": canary}},
	} {
		status, err := b.PutGraph(b.now, "ns", "bad", bad)
		fmt.Fprintf(&told, "%#v %v %+v", status, err, err)
	}
	info, states, err := b.Run("ns", run)
	graph, err2 := b.RunGraph("ns", run)
	fmt.Fprintf(&told, "%#v %#v %v %#v %v %#v %#v", info, states, err, graph, err2, b.Graphs("ns"), b.Nodes("ns"))
	s := b.Claim(b.now, "ns", transport.ClaimRequest{Nodes: []string{"S"}, Max: 1})
	secrets, err := b.Secrets(b.now, "ns", s[0].ID)
	fmt.Fprintf(&told, "%#v %+v %v %s", s, secrets, err, said(secrets))
	if secrets["key"] != canary {
		t.Error("the secret is not given at all")
	}
	if before, _, found := strings.Cut(told.String(), canary); found {
		t.Errorf("a secret was told after\n…%s", before[max(0, len(before)-200):])
	}
}
