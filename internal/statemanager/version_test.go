package statemanager_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// placed is a graph of one step that places a node, with a secret and triggers.
func placed(node, secret string, triggers ...transport.CronTrigger) transport.GraphSpec {
	return transport.GraphSpec{
		Nodes:    []transport.Placement{{Node: node, Namespace: "ns", Identifier: "by" + node, Inputs: map[string]string{"x": ""}}},
		Secrets:  transport.Secrets{"key": secret},
		Triggers: triggers,
	}
}

// versions wants what is said of the versions of graph g.
func (b *bed) versions(validation transport.ValidationStatus, version, serving int) {
	b.t.Helper()
	s, err := b.Graph("ns", "g")
	if err != nil {
		b.t.Fatalf("Graph: %v", err)
	}
	if s.Status != validation || s.Version != version || s.ServingVersion != serving || (len(s.Errors) > 0) != (validation == transport.Invalid) {
		b.t.Errorf("version %d is %s (%q), and %d serves; want %d, %s, %d",
			s.Version, s.Status, s.Errors, s.ServingVersion, version, validation, serving)
	}
}

func (b *bed) put(g transport.GraphSpec) transport.GraphInfo {
	b.t.Helper()
	s, err := b.PutGraph(b.now, "ns", "g", g)
	if err != nil {
		b.t.Fatalf("PutGraph: %v", err)
	}
	return s
}

// runs is the steps that triggers lead to now: "" if they are refused.
func (b *bed) runs() string {
	b.t.Helper()
	id, err := b.Trigger(b.now, "ns", "g", transport.TriggerSpec{})
	if err != nil {
		return ""
	}
	_, states := b.states(id)
	return states[0].Identifier
}

func secretive(name string) transport.NodeSpec {
	n := node(name)
	n.Secrets = []string{"key"}
	return n
}

// While an invalid graph waits, the valid one before it serves, with its own
// steps and secrets; what takes over is the next that is valid.
func TestInvalidGraphDoesNotReplaceAValidOne(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.register("ns", secretive("First"), secretive("Second"))
	b.put(placed("Later", ""))
	b.versions(transport.Invalid, 1, 0)
	b.put(placed("First", "one"))
	b.versions(transport.Valid, 2, 2)
	put := b.put(placed("Later", "two"))
	if put.Status != transport.Invalid || put.ServingVersion != 2 {
		t.Errorf("PutGraph says %s, and that %d serves", put.Status, put.ServingVersion)
	}
	b.versions(transport.Invalid, 3, 2)
	b.put(placed("Later", "three"))
	b.versions(transport.Invalid, 4, 2)

	run := b.run()
	s := b.Claim(b.now, "ns", transport.ClaimRequest{Nodes: []string{"First", "Later"}, Max: 9})
	if len(s) != 1 || s[0].RunID != run || s[0].Node != "First" {
		t.Fatalf("claimed %+v", s)
	}
	if got, err := b.Secrets(b.now, "ns", s[0].ID); err != nil || got["key"] != "one" {
		t.Errorf("the secret is %q, %v", got["key"], err)
	}
	if _, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{}); err == nil {
		t.Error("a graph without steps was taken")
	}
	b.versions(transport.Invalid, 4, 2) // what is refused is no version

	b.put(placed("Second", "four"))
	b.versions(transport.Valid, 5, 5)
	if got := b.runs(); got != "bySecond" {
		t.Errorf("runs begin with %q", got)
	}
	b.register("ns", secretive("Later"))
	b.versions(transport.Valid, 5, 5) // versions 3 and 4 are forgotten
}

// Nodes that are registered decide anew which version serves.
func TestRegistrationDecidesWhichVersionServes(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.register("ns", node("First"))
	b.put(placed("First", ""))
	b.put(placed("Later", ""))
	for i, c := range []struct {
		node       transport.NodeSpec
		validation transport.ValidationStatus
		serving    int
		runs       string
	}{
		{node("Other"), transport.Invalid, 1, "byFirst"},
		{node("First", "y"), transport.Invalid, 0, ""}, // an input that version 1 has not
		{node("First"), transport.Invalid, 1, "byFirst"},
		{node("Later", "y"), transport.Invalid, 1, "byFirst"},
		{node("Later"), transport.Valid, 2, "byLater"},
		{node("Later", "y"), transport.Invalid, 0, ""}, // version 1 does not come back
		{node("First", "x"), transport.Invalid, 0, ""},
		{node("Later"), transport.Valid, 2, "byLater"},
	} {
		b.register("ns", c.node)
		b.versions(c.validation, 2, c.serving)
		if got := b.runs(); got != c.runs {
			t.Errorf("%d: runs begin with %q, want %q", i, got, c.runs)
		}
	}
	// A version that served once, and is invalid for now, stands by.
	b.register("ns", node("Later", "y"))
	b.put(placed("Never", ""))
	b.versions(transport.Invalid, 3, 0)
	b.register("ns", node("Later"))
	b.versions(transport.Invalid, 3, 2)
}

// A trigger that is refused says why: of the version that was written last, and
// of the one that served before.
func TestRefusedTriggerSaysWhy(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.register("ns", node("First"))
	b.put(placed("First", ""))
	b.put(placed("Later", ""))
	b.register("ns", node("First", "y"))
	_, err := b.Trigger(b.now, "ns", "g", transport.TriggerSpec{})
	wantError(t, err, http.StatusBadRequest, "Graph template is not valid: Node Later in namespace ns does not exist; "+
		"version 1, which served before, does not fit the registered nodes any more: "+
		"Input y in node First in namespace ns is not present in the graph template")
}

// The triggers are those of the version that serves.
func TestCronOfTheServingVersion(t *testing.T) {
	t.Parallel()
	at := func(minutes string) transport.CronTrigger {
		return transport.CronTrigger{Expression: minutes + " * * * *"}
	}
	b := newBed(t, statemanager.Options{})
	b.register("ns", node("First"))
	b.put(placed("First", "", at("5-59")))
	b.put(placed("Later", "", at("20-59")))
	b.advanceTo(epoch.Add(2 * time.Minute))
	b.register("ns", node("First", "y")) // nothing serves
	b.advanceTo(epoch.Add(4 * time.Minute))
	b.register("ns", node("First"))
	b.advanceTo(epoch.Add(5 * time.Minute))
	b.register("ns", node("Later"))
	b.advanceTo(epoch.Add(17 * time.Minute))
	if diff := cmp.Diff([]string{"03:05:00", "03:06:00", "03:09:00", "03:20:00", "03:21:00"}, b.started("g")); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if n := statemanager.CronEntries(b.Engine); n > 2 {
		t.Errorf("%d triggers are kept", n)
	}
}

// Triggers that are cancelled stay so, also when another version takes over.
func TestCancelTriggersOfAllVersions(t *testing.T) {
	t.Parallel()
	everyMinute := transport.CronTrigger{Expression: "* * * * *"}
	b := newBed(t, statemanager.Options{})
	b.register("ns", node("First"))
	b.put(placed("First", "", everyMinute))
	b.put(placed("Later", "", everyMinute, everyMinute))
	for _, want := range []int{3, 0} {
		if n, err := b.CancelTriggers(b.now, "ns", "g"); n != want || err != nil {
			t.Errorf("cancelled %d, %v, want %d", n, err, want)
		}
	}
	b.advanceTo(epoch.Add(2 * time.Minute))
	b.register("ns", node("Later"))
	b.versions(transport.Valid, 2, 2)
	b.advanceTo(epoch.Add(4 * time.Minute))
	if got := b.started("g"); got != nil {
		t.Errorf("runs at %v", got)
	}
}

// By the rules of the reference server an invalid graph replaces a valid one,
// and nothing is said of versions.
func TestInvalidGraphReplacesAsTheReferenceDoes(t *testing.T) {
	t.Parallel()
	for _, rules := range []statemanager.Rules{{AsReference: true}, {InvalidReplaces: true}} {
		b := newBed(t, statemanager.Options{Rules: rules})
		b.register("ns", node("First"))
		b.put(placed("First", "", transport.CronTrigger{Expression: "* * * * *"}))
		b.versions(transport.Valid, 0, 0)
		b.put(placed("Later", "", transport.CronTrigger{Expression: "* * * * *"}))
		b.versions(transport.Invalid, 0, 0)
		_, err := b.Trigger(b.now, "ns", "g", transport.TriggerSpec{})
		wantError(t, err, http.StatusBadRequest, "Graph template is not valid")
		b.advanceTo(epoch.Add(2 * time.Minute))
		if got := b.started("g"); got != nil {
			t.Errorf("%+v: runs at %v", rules, got)
		}
		b.register("ns", node("Later"))
		if got := b.runs(); got != "byLater" {
			t.Errorf("%+v: runs begin with %q", rules, got)
		}
	}
}
