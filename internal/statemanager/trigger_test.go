package statemanager_test

import (
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestTriggerInputs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		inputs, store map[string]string
		want          string
	}{
		{"the template's", nil, map[string]string{"who": "bob"}, `{"name":"bob","greeting":"hi!","extra":"e"}`},
		{
			"the trigger's",
			map[string]string{"name": "al", "ignored": "x", "extra": "f"},
			map[string]string{"who": "bob"},
			`{"name":"al","greeting":"hi!","extra":"f"}`,
		},
		{"the store before the defaults", nil, map[string]string{"who": "b", "punct": "?"}, `{"name":"b","greeting":"hi?","extra":"e"}`},
		{
			"data, not templates",
			map[string]string{"name": "${{ store.who }} ${{ broken"},
			map[string]string{"who": "${{ store.punct }}"},
			`{"name":"${{ store.who }} ${{ broken","greeting":"hi!","extra":"e"}`,
		},
		{
			"any text",
			map[string]string{"name": "$ {{ }} é \x00 😀 \"\\"},
			map[string]string{"who": ""},
			`{"name":"$ {{ }} é \u0000 😀 \"\\","greeting":"hi!","extra":"e"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := greeter(t)
			b.trigger("g", transport.TriggerSpec{Inputs: c.inputs, Store: c.store})
			s := b.Claim(b.now, "ns", transport.ClaimRequest{Nodes: []string{"Greet"}, Max: 1})
			if got := string(s[0].Inputs); got != c.want {
				t.Errorf("the inputs are\n%s, want\n%s", got, c.want)
			}
		})
	}
}

// greeter has a graph whose root reads the store.
func greeter(t *testing.T) *bed {
	t.Helper()
	b := newBed(t, statemanager.Options{})
	b.register("ns", transport.NodeSpec{Name: "Greet", OutputsSchema: schema(), InputsSchema: []byte(
		`{"properties":{"name":{"type":"string"},"greeting":{"type":"string"}},"required":["name","greeting"]}`)})
	b.graph("g", transport.GraphSpec{
		Nodes: []transport.Placement{{Node: "Greet", Namespace: "ns", Identifier: "a", Inputs: map[string]string{
			"name": "${{ store.who }}", "greeting": "hi${{store.punct}}", "extra": "e",
		}}},
		Store: transport.StoreConfig{RequiredKeys: []string{"who", "more"}, DefaultValues: map[string]string{"punct": "!", "more": "m"}},
	})
	return b
}

func TestTriggerRefuses(t *testing.T) {
	t.Parallel()
	b := greeter(t)
	if _, err := b.PutGraph(b.now, "ns", "invalid", transport.GraphSpec{Nodes: []transport.Placement{
		{Node: "Nope", Namespace: "ns", Identifier: "a"},
	}}); err != nil {
		t.Fatal(err)
	}
	b.graph("keys", transport.GraphSpec{
		Nodes: []transport.Placement{step("a")},
		Store: transport.StoreConfig{RequiredKeys: []string{"k2", "k1", "k3"}, DefaultValues: map[string]string{"k3": ""}},
	})
	for _, c := range []struct {
		name, ns, graph string
		spec            transport.TriggerSpec
		status          int
		want            string
	}{
		{
			"unknown graph", "ns", "nope",
			transport.TriggerSpec{},
			http.StatusNotFound,
			"Graph template not found for namespace ns and graph nope",
		},
		{
			"another namespace", "other", "g",
			transport.TriggerSpec{},
			http.StatusNotFound,
			"Graph template not found for namespace other and graph g",
		},
		{"invalid graph", "ns", "invalid", transport.TriggerSpec{}, http.StatusBadRequest, "Graph template is not valid: Node Nope in namespace ns does not exist"},
		{
			"a store key that the root reads", "ns", "g",
			transport.TriggerSpec{},
			http.StatusBadRequest,
			"Invalid input: 400: Dependent who not found in store for root node a",
		},
		{
			"a store key that it does not read", "ns", "g",
			transport.TriggerSpec{Inputs: map[string]string{"name": ""}},
			http.StatusBadRequest, "Missing store keys: {'who'}",
		},
		{"store keys", "ns", "keys", transport.TriggerSpec{}, http.StatusBadRequest, "Missing store keys: {'k1', 'k2'}"},
		{
			"one of them", "ns", "keys",
			transport.TriggerSpec{Store: map[string]string{"k1": ""}},
			http.StatusBadRequest,
			"Missing store keys: {'k2'}",
		},
		{
			"large inputs", "ns", "g",
			transport.TriggerSpec{
				Store:  map[string]string{"who": "x"},
				Inputs: map[string]string{"name": strings.Repeat("x", statemanager.MaxStateInputBytes)},
			},
			http.StatusBadRequest,
			"Invalid input: the inputs of a are larger than 16777216 bytes",
		},
	} {
		t.Log(c.name)
		_, err := b.Trigger(b.now, c.ns, c.graph, c.spec)
		wantError(t, err, c.status, c.want)
	}
	_, err := b.Trigger(b.now, "ns", "g", transport.TriggerSpec{StartDelay: -time.Second})
	want := []plain{{"start_delay", "must be at least 0"}}
	if diff := cmp.Diff(want, fieldErrors(t, err)); diff != "" {
		t.Errorf("field errors (-want +got):\n%s", diff)
	}
	if p, err := b.Runs("ns", 1, 10); err != nil || p.Total != 0 {
		t.Errorf("there are %d runs, %v", p.Total, err)
	}
	if err := statemanager.Check(b.Engine); err != nil {
		t.Error(err)
	}
}

func TestStartDelay(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	late := b.trigger("g", transport.TriggerSpec{StartDelay: 3 * time.Second})
	b.trigger("g", transport.TriggerSpec{StartDelay: math.MaxInt64}) // to the end of time
	b.wantStatus(late, transport.RunPending)
	if at, ok := b.NextDue("ns", []string{"N"}); !ok || !at.Equal(epoch.Add(3*time.Second)) {
		t.Errorf("next due %s, %t", at, ok)
	}
	b.now = epoch.Add(3*time.Second - 1)
	b.idle()
	b.now = epoch.Add(3 * time.Second)
	b.do("a", outputs("x"))
	b.idle()
	b.wantStatus(late, transport.RunSuccess)
}

func TestIDs(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a", "b"), step("b"))
	run := b.run()
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(run) {
		t.Errorf("run id %s is no UUID of version 4", run)
	}
	a := b.do("a", outputs("1", "2", "3"))
	_, states := b.states(run)
	seen := make(map[string]bool)
	for _, s := range states {
		if !regexp.MustCompile(`^[0-9a-f]{24}$`).MatchString(s.ID) || seen[s.ID] {
			t.Errorf("state id %s", s.ID)
		}
		seen[s.ID] = true
	}
	// Upper-case digits are the same id; everything else is none.
	if _, err := b.StateDetail("ns", "g", run, strings.ToUpper(a.ID)); err != nil {
		t.Errorf("upper-case id: %v", err)
	}
	other := "00000000" + a.ID[8:] // other seconds
	for _, id := range []string{"", "not-an-id", a.ID[:23], a.ID + "0", a.ID[:23] + "g", other, strings.Repeat("0", 24), strings.Repeat("f", 24)} {
		_, err := b.Report(b.now, "ns", transport.Report{StateID: id, Outcome: outputs("x")})
		wantError(t, err, http.StatusNotFound, "State not found")
	}
}
