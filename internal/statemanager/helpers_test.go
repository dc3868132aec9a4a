package statemanager_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// epoch is when every test begins.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// seeded is a source of randomness that is the same every time.
func seeded(seed byte) rand.Source { return rand.NewChaCha8([32]byte{seed}) }

// schema is an object schema of required string properties.
func schema(fields ...string) json.RawMessage {
	type property struct {
		Type string `json:"type"`
	}
	props := make(map[string]property)
	for _, f := range fields {
		props[f] = property{"string"}
	}
	s, err := json.Marshal(map[string]any{"type": "object", "properties": props, "required": append([]string{}, fields...)})
	if err != nil {
		panic(err)
	}
	return s
}

// node is a node with these inputs, and one output "o".
func node(name string, inputs ...string) transport.NodeSpec {
	return transport.NodeSpec{Name: name, InputsSchema: schema(inputs...), OutputsSchema: schema("o")}
}

// step is a placement of node N in namespace ns.
func step(identifier string, next ...string) transport.Placement {
	return transport.Placement{Node: "N", Namespace: "ns", Identifier: identifier, Next: next}
}

// with gives a placement of node NA, which has an input "a", that input.
func with(p transport.Placement, a string) transport.Placement {
	p.Node, p.Inputs = "NA", map[string]string{"a": a}
	return p
}

// unite makes a placement a join.
func unite(p transport.Placement, anchor string, strategy transport.UniteStrategy) transport.Placement {
	p.Unites = &transport.Unites{Identifier: anchor, Strategy: strategy}
	return p
}

// A tester is a testing.TB or a *rapid.T.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

var _ tester = testing.TB(nil)

// A bed is an engine under test, with a clock that only the test moves.
type bed struct {
	*statemanager.Engine
	t   tester
	now time.Time
}

// newBed makes an engine with the nodes N (no inputs) and NA (input "a") in
// namespace ns.
func newBed(t tester, o statemanager.Options) *bed {
	t.Helper()
	if o.Rand == nil {
		o.Rand = seeded(1)
	}
	b := &bed{Engine: statemanager.New(o), t: t, now: epoch}
	b.register("ns", node("N"), node("NA", "a"))
	return b
}

func (b *bed) register(ns string, nodes ...transport.NodeSpec) {
	b.t.Helper()
	if err := b.Register(b.now, ns, "runtime", nodes); err != nil {
		b.t.Fatalf("Register: %v", err)
	}
}

// graph writes a graph that must be valid.
func (b *bed) graph(name string, g transport.GraphSpec) {
	b.t.Helper()
	s, err := b.PutGraph(b.now, "ns", name, g)
	if err != nil {
		b.t.Fatalf("PutGraph %s: %v", name, err)
	}
	if s.Status != transport.Valid {
		b.t.Fatalf("graph %s is %s: %q", name, s.Status, s.Errors)
	}
}

// steps writes a graph "g" of these placements and without retries.
func (b *bed) steps(nodes ...transport.Placement) {
	b.t.Helper()
	b.graph("g", transport.GraphSpec{Nodes: nodes, Retry: retries(0)})
}

// retries is a policy of n retries, each a second after the failure.
func retries(n int) *transport.RetryPolicy {
	return &transport.RetryPolicy{MaxRetries: n, Strategy: transport.Fixed, Backoff: time.Second, Exponent: 2}
}

// run triggers graph "g".
func (b *bed) run() string {
	b.t.Helper()
	return b.trigger("g", transport.TriggerSpec{})
}

func (b *bed) trigger(graph string, spec transport.TriggerSpec) string {
	b.t.Helper()
	id, err := b.Trigger(b.now, "ns", graph, spec)
	if err != nil {
		b.t.Fatalf("Trigger: %v", err)
	}
	return id
}

// claimN claims at most n states of N and NA in namespace ns.
func (b *bed) claimN(n int) []transport.Claimed {
	return b.Claim(b.now, "ns", transport.ClaimRequest{Nodes: []string{"N", "NA"}, Max: n})
}

// claim claims one state, which must be of that step.
func (b *bed) claim(identifier string) transport.Claimed {
	b.t.Helper()
	states := b.claimN(1)
	if len(states) != 1 {
		b.t.Fatalf("claim %s: nothing is due", identifier)
	}
	if states[0].Identifier != identifier {
		b.t.Fatalf("claimed a state of %s, want %s", states[0].Identifier, identifier)
	}
	return states[0]
}

// idle checks that nothing is due.
func (b *bed) idle() {
	b.t.Helper()
	if states := b.claimN(1); len(states) != 0 {
		b.t.Fatalf("a state of %s is due, want none", states[0].Identifier)
	}
}

// outputs are outputs {"o": …}.
func outputs(values ...string) transport.Executed {
	var e transport.Executed
	for _, v := range values {
		o, err := json.Marshal(map[string]string{"o": v})
		if err != nil {
			panic(err)
		}
		e.Outputs = append(e.Outputs, o)
	}
	return e
}

// report reports an outcome that must be taken.
func (b *bed) report(s transport.Claimed, o transport.Outcome) statemanager.ReportResult {
	b.t.Helper()
	r, err := b.tell(s, o)
	if err != nil {
		b.t.Fatalf("report %T on %s: %v", o, s.Identifier, err)
	}
	return r
}

func (b *bed) tell(s transport.Claimed, o transport.Outcome) (statemanager.ReportResult, error) {
	return b.Report(b.now, "ns", transport.Report{StateID: s.ID, Token: s.Token, Outcome: o})
}

// do claims a state of that step and reports.
func (b *bed) do(identifier string, o transport.Outcome) transport.Claimed {
	b.t.Helper()
	s := b.claim(identifier)
	b.report(s, o)
	return s
}

func (b *bed) info(run string) transport.RunInfo {
	b.t.Helper()
	i, _ := b.states(run)
	return i
}

func (b *bed) states(run string) (transport.RunInfo, []transport.State) {
	b.t.Helper()
	i, states, err := b.Run("ns", run)
	if err != nil {
		b.t.Fatalf("Run: %v", err)
	}
	return i, states
}

// story is the run's states as "identifier:STATUS", in order of creation. What
// comes more than once in a row is told once, with its number.
func (b *bed) story(run string) string {
	b.t.Helper()
	_, states := b.states(run)
	var words []string
	for i := 0; i < len(states); {
		s, n := states[i], 0
		for i < len(states) && states[i].Identifier == s.Identifier && states[i].Status == s.Status {
			n++
			i++
		}
		word := fmt.Sprintf("%s:%s", s.Identifier, s.Status)
		if n > 1 {
			word += fmt.Sprintf("×%d", n)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func (b *bed) wantStory(run, want string) {
	b.t.Helper()
	if got := b.story(run); got != want {
		b.t.Errorf("states of the run:\n got %s\nwant %s", got, want)
	}
}

func (b *bed) wantStatus(run string, want transport.RunStatus) {
	b.t.Helper()
	if got := b.info(run).Status; got != want {
		b.t.Errorf("the run is %s, want %s", got, want)
	}
}

// last is the newest state of a step.
func (b *bed) last(run, identifier string) transport.State {
	b.t.Helper()
	_, states := b.states(run)
	for _, s := range slices.Backward(states) {
		if s.Identifier == identifier {
			return s
		}
	}
	b.t.Fatalf("the run has no state of %s", identifier)
	return transport.State{}
}

// drain executes everything that is due, each state with one output "x".
func (b *bed) drain() {
	b.t.Helper()
	for {
		states := b.claimN(100)
		if len(states) == 0 {
			return
		}
		for _, s := range states {
			b.report(s, outputs("x"))
		}
	}
}

// wantError checks an error's status and message.
func wantError(t tester, err error, status int, message string) {
	t.Helper()
	var e *transport.Error
	if !errors.As(err, &e) {
		t.Errorf("error is %v, want a *transport.Error of status %d: %s", err, status, message)
		return
	}
	if e.Status != status || e.Message != message {
		t.Errorf("error is %d %q\nwant     %d %q", e.Status, e.Message, status, message)
	}
	if e.Op == "" {
		t.Errorf("error %v names no operation", e)
	}
}
