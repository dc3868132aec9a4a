package statemanager_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestNextStates(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(with(step("first", "second"), "in"), with(step("second", "third"), "${{ first.outputs.o }}"),
		with(step("third"), "pre ${{second.outputs.o}} mid ${{ first.outputs.o }} post"))
	run := b.run()
	b.do("first", outputs("hello \"world\"\n\u2028\\"))
	b.do("second", outputs("HELLO"))
	s := b.claim("third")
	if want := `{"a":"pre HELLO mid hello \"world\"\n` + "\u2028" + `\\ post"}`; string(s.Inputs) != want {
		t.Errorf("the inputs are\n%s, want\n%s", s.Inputs, want)
	}
	_, states := b.states(run)
	want := transport.Parents{{Identifier: "first", StateID: states[0].ID}, {Identifier: "second", StateID: states[1].ID}}
	if diff := cmp.Diff(want, states[2].Parents); diff != "" {
		t.Errorf("parents (-want +got):\n%s", diff)
	}
}

// Siblings come first, then what follows from each, in the order of outputs.
func TestFanOut(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "split"), with(step("split", "x", "y"), "${{ root.outputs.o }}"),
		with(step("x"), "${{ split.outputs.o }}"), with(step("y"), "${{ root.outputs.o }}"))
	run := b.run()
	b.do("root", outputs("R"))
	split := b.claim("split")
	b.now = b.now.Add(1)
	b.report(split, outputs("0", "1"))
	_, states := b.states(run)
	var got []string
	for _, s := range states {
		parent := ""
		if n := len(s.Parents); n > 0 {
			parent = s.Parents[n-1].StateID
		}
		for i := range states {
			parent = strings.ReplaceAll(parent, states[i].ID, fmt.Sprint(i))
		}
		got = append(got, fmt.Sprintf("%s<%s %s %s %s", s.Identifier, parent, s.Status, s.Inputs, s.Outputs))
	}
	want := []string{
		`root< SUCCESS {} {"o":"R"}`,
		`split<0 SUCCESS {"a":"R"} {"o":"0"}`,
		`split<0 SUCCESS {"a":"R"} {"o":"1"}`,
		`x<1 CREATED {"a":"0"} {}`,
		`y<1 CREATED {"a":"R"} {}`,
		`x<2 CREATED {"a":"1"} {}`,
		`y<2 CREATED {"a":"R"} {}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if !states[2].CreatedAt.Equal(b.now) || !states[1].CreatedAt.Equal(epoch) {
		t.Errorf("the sibling is created at %s, the state at %s", states[2].CreatedAt, states[1].CreatedAt)
	}
}

// Only the fields that a node declares are sent, in the schema's order; the root
// gets all that the graph gives it.
func TestOnlyDeclaredInputsAreSent(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.register("ns", transport.NodeSpec{Name: "Z", OutputsSchema: schema("o"), InputsSchema: []byte(
		`{"properties":{"z":{"type":"string"},"b":{"type":"string"}},"required":["z","b"]}`)})
	inputs := map[string]string{"a": "1", "b": "2", "y": "3", "z": "4"}
	b.steps(transport.Placement{Node: "Z", Namespace: "ns", Identifier: "r", Inputs: inputs, Next: []string{"n"}},
		transport.Placement{Node: "Z", Namespace: "ns", Identifier: "n", Inputs: inputs})
	b.run()
	for _, want := range []string{`{"z":"4","b":"2","a":"1","y":"3"}`, `{"z":"4","b":"2"}`} {
		s := b.Claim(b.now, "ns", transport.ClaimRequest{Nodes: []string{"Z"}, Max: 1})[0]
		if string(s.Inputs) != want {
			t.Errorf("the inputs of %s are %s, want %s", s.Identifier, s.Inputs, want)
		}
		b.report(s, outputs("x"))
	}
}

// If a next state cannot be made none is, and the state fails alone.
func TestNextCreatedError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ output, want string }{
		{`{}`, "Output field 'o' not found on current state 'a' for template 'c'"},
		{`{"O":"x"}`, "Output field 'o' not found on current state 'a' for template 'c'"},
		{`{"o":null}`, "Output field 'o' is null on current state 'a' for template 'c'"},
		{`{"o":5}`, "Output field 'o' is not a string on current state 'a' for template 'c'"},
		{`{"o":"x","o":5}`, "Output field 'o' is not a string on current state 'a' for template 'c'"},
	} {
		t.Run(c.output, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, statemanager.Options{})
			b.steps(step("a", "b", "c"), step("b"), with(step("c"), "${{ a.outputs.o }}"))
			run := b.run()
			b.do("a", transport.Executed{Outputs: []transport.Object{
				transport.Object(`{"o":""}`), transport.Object(c.output), transport.Object(`{"o":1,"o":"last"}`),
			}})
			b.wantStory(run, "a:SUCCESS a:NEXT_CREATED_ERROR a:SUCCESS b:CREATED c:CREATED b:CREATED c:CREATED")
			_, states := b.states(run)
			if states[1].Error != c.want {
				t.Errorf("the error is %q, want %q", states[1].Error, c.want)
			}
			if string(states[4].Inputs) != `{"a":""}` || string(states[6].Inputs) != `{"a":"last"}` {
				t.Errorf("the inputs are %s and %s", states[4].Inputs, states[6].Inputs)
			}
			b.drain()
			b.wantStatus(run, transport.RunFailed)
		})
	}
}

// A field of an earlier state that is missing is found when it is read.
func TestNextCreatedErrorOfAnEarlierState(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a", "b"), step("b", "c"), with(step("c"), "${{ a.outputs.o }}"))
	run := b.run()
	b.do("a", transport.Executed{})
	b.do("b", outputs("x"))
	b.wantStory(run, "a:SUCCESS b:NEXT_CREATED_ERROR")
	if got, want := b.last(run, "b").Error, "Output field 'o' not found on state 'a' for template 'c'"; got != want {
		t.Errorf("the error is %q, want %q", got, want)
	}
}

func TestLargeInputsCannotBeMade(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a", "b"), with(step("b"), strings.Repeat("${{ a.outputs.o }}", graph.MaxPlaceholders)))
	run := b.run()
	b.do("a", outputs(strings.Repeat("x", statemanager.MaxStateInputBytes/graph.MaxPlaceholders+1)))
	if got, want := b.last(run, "a").Error, "the inputs of template 'b' are larger than 16777216 bytes"; got != want {
		t.Errorf("the error is %q, want %q", got, want)
	}
	if err := statemanager.Check(b.Engine); err != nil {
		t.Error(err)
	}
}

// Where paths meet without a join, each is walked by itself.
func TestDiamondWithoutJoin(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("r", "x", "y"), step("x", "z"), step("y", "z"), with(step("z"), "${{ r.outputs.o }}"))
	run := b.run()
	b.do("r", outputs("R"))
	b.drain()
	b.wantStory(run, "r:SUCCESS x:SUCCESS y:SUCCESS z:SUCCESS×2")
	if in := b.last(run, "z").Inputs; string(in) != `{"a":"R"}` {
		t.Errorf("the inputs are %s", in)
	}
}

// A node that is both next and further down reads the same ancestor.
func TestShortcut(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("r", "x", "z"), step("x", "z"), with(step("z"), "${{ r.outputs.o }}"))
	run := b.run()
	b.do("r", outputs("R"))
	b.drain()
	_, states := b.states(run)
	for _, s := range states {
		if s.Identifier == "z" && string(s.Inputs) != `{"a":"R"}` {
			t.Errorf("the inputs are %s", s.Inputs)
		}
	}
	b.wantStory(run, "r:SUCCESS x:SUCCESS z:SUCCESS×2")
}

// Placeholders of the store see what was written meanwhile; a key that was
// removed is its default again.
func TestStoreIsReadWhenAStateIsMade(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{
		Nodes: []transport.Placement{
			with(step("a", "b"), "${{ store.k }} ${{ store.d }}"), with(step("b", "c"), "${{ store.k }} ${{ store.d }}"),
			with(step("c"), "${{ store.k }}"),
		},
		Store: transport.StoreConfig{RequiredKeys: []string{"k"}, DefaultValues: map[string]string{"d": "default"}},
	})
	run := b.trigger("g", transport.TriggerSpec{Store: map[string]string{"k": "v", "d": "given"}})
	s := b.claim("a")
	if string(s.Inputs) != `{"a":"v given"}` {
		t.Errorf("the inputs are %s", s.Inputs)
	}
	for _, err := range []error{
		b.StoreSet(b.now, "ns", s.ID, "k", "\"w\""),
		b.StoreDelete(b.now, "ns", s.ID, "d"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b.report(s, outputs("x"))
	s = b.claim("b")
	if string(s.Inputs) != `{"a":"\"w\" default"}` {
		t.Errorf("the inputs are %s", s.Inputs)
	}
	if err := b.StoreDelete(b.now, "ns", s.ID, "k"); err != nil {
		t.Fatal(err)
	}
	b.report(s, outputs("x"))
	if got, want := b.last(run, "b").Error, "store key 'k' not found for template 'c'"; got != want {
		t.Errorf("the error is %q, want %q", got, want)
	}
}

// A run keeps the version of the graph that it began with.
func TestRunKeepsItsVersion(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{step("a", "b"), step("b")}, Retry: retries(5)})
	old := b.run()
	b.steps(step("only"))
	b.do("a", outputs("x"))
	s := b.claim("b")
	if r := b.report(s, transport.Errored{}); !r.RetryCreated {
		t.Error("the old retry policy is gone")
	}
	b.now = b.now.Add(retries(1).Backoff)
	b.drain()
	b.wantStory(old, "a:SUCCESS b:RETRY_CREATED b:SUCCESS")
	b.wantStory(b.run(), "only:CREATED")
}

// A graph may place nodes of other namespaces; their workers claim there.
func TestNodesOfOtherNamespaces(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.register("far", node("F"))
	far := func(id string, next ...string) transport.Placement {
		return transport.Placement{Node: "F", Namespace: "far", Identifier: id, Next: next}
	}
	b.steps(far("a", "b"), step("b", "c"), far("c", "d"), far("d"))
	run := b.run()
	for _, c := range []struct{ ns, node, id string }{{"far", "F", "a"}, {"ns", "N", "b"}, {"far", "F", "c"}, {"far", "F", "d"}} {
		s := b.Claim(b.now, c.ns, transport.ClaimRequest{Nodes: []string{c.node}, Max: 9})
		if len(s) != 1 || s[0].Identifier != c.id {
			t.Fatalf("claimed %+v, want %s", s, c.id)
		}
		if _, err := b.Report(b.now, c.ns, transport.Report{StateID: s[0].ID, Outcome: outputs("x")}); err != nil {
			t.Fatal(err)
		}
	}
	b.wantStatus(run, transport.RunSuccess)
}
