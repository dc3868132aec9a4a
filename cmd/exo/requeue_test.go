package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// States of a worker that has died are QUEUED until they are requeued by hand.
func TestRequeue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	worker := b.sm.Namespace(ns)
	schema := []byte(`{"type":"object","properties":{}}`)
	if err := worker.Register(t.Context(), "dead", []transport.NodeSpec{{Name: "Lost", InputsSchema: schema, OutputsSchema: schema}}); err != nil {
		t.Fatal(err)
	}
	b.ok("graph", "apply", write(t, []byte(`{"name":"lost","nodes":[{"node_name":"Lost","identifier":"only"}]}`)))
	run := as[runIDJSON](b, "trigger", "lost").RunID
	claim := func(lease time.Duration) string {
		t.Helper()
		states, err := worker.Claim(t.Context(), transport.ClaimRequest{Nodes: []string{"Lost"}, Max: 10, Lease: lease})
		if err != nil || len(states) != 1 {
			t.Fatalf("claimed %d states: %v", len(states), err)
		}
		return states[0].ID
	}

	if got := b.ok("run", "requeue", run); got != "run "+run+" has no QUEUED state\n" {
		t.Error(got)
	}
	first := claim(0)
	done := as[[]requeuedJSON](b, "run", "requeue", run)
	if len(done) != 1 || done[0].ID != first || done[0].Identifier != "only" || done[0].NewID == first {
		t.Fatalf("%+v", done)
	}
	// A late report changes nothing, whether it is refused or not.
	_ = worker.Report(t.Context(), []transport.Report{{StateID: first, Outcome: transport.Executed{}}})
	if states := as[statesJSON](b, "run", "show", run); states.States[0].Status != "RETRY_CREATED" || states.Summary["CREATED"] != 1 || len(states.States) != 2 {
		t.Errorf("%+v", states)
	}

	second := claim(0)
	if second != done[0].NewID {
		t.Errorf("claimed %s, want %s", second, done[0].NewID)
	}
	for _, test := range []struct{ id, want string }{
		{first, "state " + first + " is RETRY_CREATED, not QUEUED"},
		{"000000000000000000000000", "the run has no state 000000000000000000000000"},
	} {
		if code, _, stderr := b.exo("run", "requeue", run, "--state", second, "--state", test.id); code != exitFailed || !strings.Contains(stderr, test.want) {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	}
	if table := b.ok("run", "requeue", run, "--state", second); !regexp.MustCompile(`^STATE +STEP +NEW_STATE\n` + second + `  only  [0-9a-f]{24}\n$`).MatchString(table) {
		t.Error(table)
	}

	// Under a lease a state comes back by itself.
	third := claim(time.Hour)
	if code, _, stderr := b.exo("run", "requeue", run); code != exitFailed || !strings.Contains(stderr, third) || !strings.Contains(stderr, "under a lease") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
