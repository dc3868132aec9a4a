package transporttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// unit is the measure of waiting.
const unit = 250 * time.Millisecond

// slack is how exactly something is to happen at its time, where waiting takes
// none.
const slack = unit / 10

// patience is how long, in real time, a rule waits for what is to happen: beyond
// anything that a busy machine makes of it.
const patience = time.Minute

// world is a namespace of a state manager with everything that a rule does to
// it. Its methods end the test when something fails that is not what the rule
// is about.
type world struct {
	t       *testing.T
	sm      transport.Provider
	name    string
	tr      transport.Transport
	clock   Clock // nil: time passes by itself
	virtual bool  // waiting takes no time
}

func newWorld(t *testing.T, sm transport.Provider, bubble bool) *world {
	t.Helper()
	w := &world{t: t, sm: sm, name: fmt.Sprintf("conformance-%08x", rand.Uint32()), virtual: bubble}
	w.clock, _ = sm.(Clock)
	w.virtual = w.virtual || w.clock != nil
	w.tr = sm.Namespace(w.name)
	if e, ok := w.tr.(transport.Extender); ok {
		// An HTTP transport knows what its state manager can do only by asking.
		if _, err := e.Extensions(w.ctx()); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) ctx() context.Context { return w.t.Context() }

// beside is another namespace of the same state manager.
func (w *world) beside() *world {
	other := *w
	other.name = w.name + "-beside"
	other.tr = w.sm.Namespace(other.name)
	return &other
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	if w.clock != nil {
		w.clock.Advance(d)
		return
	}
	time.Sleep(d)
}

// until lets time pass until what takes d has happened. In real time it does not:
// there, whoever looks for what is to have happened waits for it.
func (w *world) until(d time.Duration) {
	if w.virtual {
		w.pass(d + slack)
	}
}

// eventually tries until it succeeds. Where waiting takes no time things have
// happened already, so there it tries once.
func (w *world) eventually(try func() bool) bool {
	const pause = 5 * time.Millisecond
	deadline := time.Now().Add(patience)
	for !try() {
		if w.virtual || time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// due claims a state of A that is to become due between least and most after
// begun, which is now where waiting takes no time.
func (w *world) due(begun time.Time, least, most time.Duration) transport.Claimed {
	w.t.Helper()
	if w.virtual {
		if least > slack {
			w.pass(least - slack)
			w.none("A")
			most -= least - slack
		}
		w.until(most)
		return w.one("A")
	}
	s := w.one("A")
	if took := time.Since(begun); took < least-least/100 { // clocks differ
		w.t.Errorf("%s is due after %v, want %v", "A", took, least)
	}
	return s
}

// notYet wants nothing of a node to be due before d has passed since begun.
func (w *world) notYet(begun time.Time, d time.Duration, nodeName string) {
	w.t.Helper()
	states := w.ask(transport.ClaimRequest{Nodes: []string{nodeName}, Max: 1})
	if took := time.Since(begun); len(states) > 0 && (w.virtual || took < d) {
		w.t.Fatalf("%s is due after %v, want %v", nodeName, took, d)
	}
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused wants an error that no further attempt fixes, with a status and, in
// its message, some text.
func (w *world) refused(err error, status int, mention string) {
	w.t.Helper()
	var e *transport.Error
	switch {
	case !errors.As(err, &e):
		w.t.Errorf("%T %v, want a *transport.Error of status %d", err, err, status)
	case e.Status != status || e.Temporary():
		w.t.Errorf("status %d (%v), want %d", e.Status, err, status)
	case !strings.Contains(err.Error(), mention):
		w.t.Errorf("%q does not mention %q", err, mention)
	}
}

// ability is an optional ability of the transport. Without it the rule is
// skipped.
func ability[T any](w *world) T {
	w.t.Helper()
	a, ok := w.tr.(T)
	if !ok {
		w.t.Skipf("the transport has no ability %T", (*T)(nil))
	}
	return a
}

// needs skips the rule if the state manager says that it lacks an extension.
func (w *world) needs(ext transport.Extension) {
	w.t.Helper()
	if _, ok := w.tr.(transport.Extender); ok && !w.has13(ext) {
		w.t.Skipf("the state manager lacks the extension %q", ext)
	}
}

// has13 reports whether the state manager says that it has an extension (§13).
func (w *world) has13(ext transport.Extension) bool {
	w.t.Helper()
	e, ok := w.tr.(transport.Extender)
	if !ok {
		return false
	}
	known, err := e.Extensions(w.ctx())
	w.ok(err)
	return slices.Contains(known, ext)
}

// needsVirtualTime skips a rule that would take too long.
func (w *world) needsVirtualTime() {
	w.t.Helper()
	if !w.virtual {
		w.t.Skip("waits for minutes, which takes a bubble or a Clock")
	}
}

// needsOwnTime skips a rule about calls that wait, under a Clock: who moves it
// cannot wait too.
func (w *world) needsOwnTime() {
	w.t.Helper()
	if w.clock != nil {
		w.t.Skip("waits within a call, which takes time that passes by itself")
	}
}

// schema is a JSON Schema of string fields as every state manager takes it.
func schema(fields ...string) json.RawMessage {
	type property struct {
		Type string `json:"type"`
	}
	s := struct {
		Properties map[string]property `json:"properties"`
		Required   []string            `json:"required"`
		Title      string              `json:"title"`
		Type       string              `json:"type"`
	}{make(map[string]property), append([]string{}, fields...), "Fields", "object"}
	for _, f := range fields {
		s.Properties[f] = property{"string"}
	}
	return must(json.Marshal(s))
}

func must(raw []byte, err error) []byte {
	if err != nil {
		panic(err) // of maps and lists of strings
	}
	return raw
}

// node is a node of one input, in, and one output, out.
func node(name string) transport.NodeSpec {
	return transport.NodeSpec{Name: name, InputsSchema: schema("in"), OutputsSchema: schema("out"), Secrets: []string{}}
}

func (w *world) register(nodes ...transport.NodeSpec) {
	w.t.Helper()
	w.ok(w.tr.Register(w.ctx(), "conformance", nodes))
}

// serve registers nodes of one input and one output.
func (w *world) serve(names ...string) {
	w.t.Helper()
	specs := make([]transport.NodeSpec, 0, len(names))
	for _, name := range names {
		specs = append(specs, node(name))
	}
	w.register(specs...)
}

// step places a node under its own name, in lower case.
func step(nodeName, in string, next ...string) transport.Placement {
	return transport.Placement{
		Node: nodeName, Identifier: strings.ToLower(nodeName), Inputs: map[string]string{"in": in}, Next: next,
	}
}

// join is a step that unites.
func join(nodeName, in, anchor string, strategy transport.UniteStrategy, next ...string) transport.Placement {
	p := step(nodeName, in, next...)
	p.Unites = &transport.Unites{Identifier: anchor, Strategy: strategy}
	return p
}

// as gives a step another identifier.
func as(identifier string, p transport.Placement) transport.Placement {
	p.Identifier = identifier
	return p
}

// spec is a graph of steps, which are placed in the namespace if they do not say
// otherwise, and retried never.
func (w *world) spec(steps ...transport.Placement) transport.GraphSpec {
	for i := range steps {
		if steps[i].Namespace == "" {
			steps[i].Namespace = w.name
		}
	}
	return transport.GraphSpec{Nodes: steps, Retry: &transport.RetryPolicy{Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1}}
}

// put writes a graph and waits until it is validated.
func (w *world) put(name string, g transport.GraphSpec) transport.GraphInfo {
	w.t.Helper()
	status, err := w.tr.PutGraph(w.ctx(), name, g)
	w.ok(err)
	pending := func() bool { return status.Status == transport.Pending || status.Status == transport.Ongoing }
	look := func() bool {
		if pending() {
			status, err = w.tr.Graph(w.ctx(), name)
			w.ok(err)
		}
		return !pending()
	}
	for range 60 {
		if w.eventually(look) {
			return status
		}
		w.pass(time.Millisecond)
	}
	w.t.Fatalf("graph %s is still %s", name, status.Status)
	return status
}

// valid writes a graph that must be valid.
func (w *world) valid(name string, g transport.GraphSpec) {
	w.t.Helper()
	if status := w.put(name, g); status.Status != transport.Valid {
		w.t.Fatalf("graph %s is %s: %q", name, status.Status, status.Errors)
	}
}

// begin writes a graph and triggers it.
func (w *world) begin(steps ...transport.Placement) (runID string) {
	w.t.Helper()
	w.valid("graph", w.spec(steps...))
	return w.trigger(transport.TriggerSpec{})
}

// trigger starts a run of the graph called graph.
func (w *world) trigger(t transport.TriggerSpec) (runID string) {
	w.t.Helper()
	runID, err := w.tr.Trigger(w.ctx(), "graph", t)
	w.ok(err)
	if runID == "" {
		w.t.Fatal("a run without an ID")
	}
	return runID
}

func (w *world) ask(req transport.ClaimRequest) []transport.Claimed {
	w.t.Helper()
	states, err := w.tr.Claim(w.ctx(), req)
	w.ok(err)
	return states
}

// claim takes exactly n states of a node, sorted by their input.
func (w *world) claim(n int, nodeName string) []transport.Claimed {
	w.t.Helper()
	var states []transport.Claimed
	w.eventually(func() bool {
		states = append(states, w.ask(transport.ClaimRequest{Nodes: []string{nodeName}, Max: n + 1 - len(states)})...)
		return len(states) >= n
	})
	if len(states) != n {
		w.t.Fatalf("claimed %d states of %s, want %d", len(states), nodeName, n)
	}
	slices.SortFunc(states, func(a, b transport.Claimed) int { return strings.Compare(input(a), input(b)) })
	return states
}

func (w *world) one(nodeName string) transport.Claimed {
	w.t.Helper()
	return w.claim(1, nodeName)[0]
}

// none wants nothing to be due of these nodes.
func (w *world) none(nodeNames ...string) {
	w.t.Helper()
	if states := w.ask(transport.ClaimRequest{Nodes: nodeNames, Max: 10}); len(states) > 0 {
		w.t.Fatalf("claimed %d states of %v, want none: %+v", len(states), nodeNames, states)
	}
}

// fields is an object of strings.
func fields(o transport.Object) map[string]string {
	var m map[string]string
	if json.Unmarshal(o, &m) != nil {
		return nil
	}
	return m
}

func input(s transport.Claimed) string { return fields(s.Inputs)["in"] }

func object(m map[string]string) transport.Object { return must(json.Marshal(m)) }

// executed is the outcome of outputs with these values of out.
func executed(values ...string) transport.Executed {
	var e transport.Executed
	for _, v := range values {
		e.Outputs = append(e.Outputs, object(map[string]string{"out": v}))
	}
	return e
}

// tell reports the outcome of a state.
func (w *world) tell(s transport.Claimed, o transport.Outcome) error {
	if errs := w.tr.Report(w.ctx(), []transport.Report{{StateID: s.ID, Token: s.Token, Outcome: o}}); len(errs) > 0 {
		return errs[0]
	}
	return nil
}

// end is tell, taken.
func (w *world) end(s transport.Claimed, o transport.Outcome) {
	w.t.Helper()
	w.ok(w.tell(s, o))
}

// do claims the one state of a node that is due, and executes it.
func (w *world) do(nodeName string, values ...string) transport.Claimed {
	w.t.Helper()
	s := w.one(nodeName)
	w.end(s, executed(values...))
	return s
}

func (w *world) fail(s transport.Claimed) {
	w.t.Helper()
	w.end(s, transport.Errored{Message: "boom"})
}

// statuses counts the states of a run by "identifier STATUS".
func (w *world) statuses(runID string) map[string]int {
	w.t.Helper()
	counts := make(map[string]int)
	for _, s := range w.states(runID) {
		counts[s.Identifier+" "+string(s.Status)]++
	}
	return counts
}

// stands wants the states of a run to be these and no others, such as
// "a SUCCESS" or "b ERRORED*2".
func (w *world) stands(runID string, want ...string) {
	w.t.Helper()
	counts := make(map[string]int)
	for _, s := range want {
		n := 1
		if state, times, ok := strings.Cut(s, "*"); ok {
			s = state
			_, err := fmt.Sscan(times, &n)
			w.ok(err)
		}
		counts[s] = n
	}
	var got map[string]int
	same := func() bool {
		got = w.statuses(runID)
		return maps.Equal(got, counts)
	}
	if !w.eventually(same) {
		w.t.Errorf("the states are %v, want %v", got, counts)
	}
}

// info finds a run among those of the namespace.
func (w *world) info(runID string) transport.RunInfo {
	w.t.Helper()
	page, err := w.tr.Runs(w.ctx(), 1, 100)
	w.ok(err)
	for _, r := range page.Runs {
		if r.ID == runID {
			return r
		}
	}
	w.t.Fatalf("run %s is not among the %d runs", runID, len(page.Runs))
	return transport.RunInfo{}
}

func (w *world) comesTo(runID string, status transport.RunStatus) {
	w.t.Helper()
	var got transport.RunStatus
	same := func() bool {
		got = w.info(runID).Status
		return got == status
	}
	if !w.eventually(same) {
		w.t.Errorf("the run is %s, want %s: %v", got, status, w.statuses(runID))
	}
}

// detail reads a state of the graph that begin writes.
func (w *world) detail(runID, stateID string) transport.State {
	w.t.Helper()
	d, err := w.tr.State(w.ctx(), "graph", runID, stateID)
	w.ok(err)
	return d
}

// states gives the states of a run.
func (w *world) states(runID string) []transport.StateNode {
	w.t.Helper()
	g, err := w.tr.RunGraph(w.ctx(), runID)
	w.ok(err)
	return g.States
}

// root is the ID of the first state of a run.
func (w *world) root(runID string) string {
	w.t.Helper()
	return w.states(runID)[0].ID
}

// equal wants two values that are the same as JSON.
func (w *world) equal(what string, got, want any) {
	w.t.Helper()
	a, b := must(json.Marshal(got)), must(json.Marshal(want))
	if string(a) != string(b) {
		w.t.Errorf("%s: %s, want %s", what, a, b)
	}
}

// sameJSON wants two JSON texts of one meaning.
func (w *world) sameJSON(what string, got, want json.RawMessage) {
	w.t.Helper()
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		w.t.Errorf("%s: %v", what, err)
	}
	w.ok(json.Unmarshal(want, &b))
	w.equal(what, a, b)
}
