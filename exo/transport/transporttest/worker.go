package transporttest

import (
	"net/http"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// unknownID has the form of a state's ID.
const unknownID = "000000000000000000000000"

func outcomes() map[string]transport.Outcome {
	return map[string]transport.Outcome{
		"executed": executed("x"), "errored": transport.Errored{Message: "boom"},
		"pruned": transport.Pruned{}, "requeued": transport.Requeued{After: time.Millisecond},
	}
}

// workerRules is §3.
func workerRules() []rule {
	return []rule{
		{name: "§3 register: nodes are listed as they were registered", run: nodesAreListed},
		{name: "§3 register: the same name again replaces the node", run: func(w *world) {
			w.register(transport.NodeSpec{Name: "A", InputsSchema: schema("old"), OutputsSchema: schema(), Secrets: []string{"key"}})
			w.serve("A")
			nodes, err := w.tr.Nodes(w.ctx())
			w.ok(err)
			if len(nodes) != 1 {
				w.t.Fatalf("%d nodes", len(nodes))
			}
			w.sameJSON("inputs schema", nodes[0].InputsSchema, schema("in"))
			w.equal("secrets", nodes[0].Secrets, []string{})
		}},
		{name: "§3 claim: says node, step, inputs and time of creation", run: func(w *world) {
			w.serve("A")
			w.begin(as("first", step("A", "v")))
			s := w.one("A")
			if s.ID == "" || s.Node != "A" || s.Identifier != "first" || s.CreatedAt.IsZero() {
				w.t.Errorf("claimed %+v", s)
			}
			w.sameJSON("inputs", s.Inputs, []byte(`{"in":"v"}`))
		}},
		{name: "§3 claim: at most as many as asked for", run: func(w *world) {
			w.serve("A")
			w.valid("graph", w.spec(step("A", "v")))
			for range 5 {
				w.trigger(transport.TriggerSpec{})
			}
			for _, want := range []int{2, 2, 1, 0} {
				if got := w.ask(transport.ClaimRequest{Nodes: []string{"A"}, Max: 2}); len(got) != want {
					w.t.Errorf("claimed %d states, want %d", len(got), want)
				}
			}
		}},
		{name: "§3 claim: of the nodes named alone", run: func(w *world) {
			w.serve("A", "B")
			w.begin(step("A", "v"))
			w.none("B", "unknown")
			if got := w.ask(transport.ClaimRequest{Nodes: []string{"B", "A"}, Max: 1}); len(got) != 1 || got[0].Node != "A" {
				w.t.Errorf("claimed %+v", got)
			}
		}},
		{name: "§3 claim: each state goes to one caller", run: eachStateGoesToOneCaller},
		{name: "§3 report: nil when every report was taken", run: func(w *world) {
			w.serve("A")
			w.begin(step("A", "v"))
			w.trigger(transport.TriggerSpec{})
			states := w.claim(2, "A")
			reports := make([]transport.Report, 0, 2)
			for _, s := range states {
				reports = append(reports, transport.Report{StateID: s.ID, Token: s.Token, Outcome: executed("x")})
			}
			if errs := w.tr.Report(w.ctx(), reports); errs != nil {
				w.t.Errorf("%v, want nil", errs)
			}
			if errs := w.tr.Report(w.ctx(), nil); errs != nil {
				w.t.Errorf("no reports: %v, want nil", errs)
			}
		}},
		{name: "§3 report: each is taken or refused by itself, in order", run: reportsAreTakenByThemselves},
		{name: "§3 report: of an unknown state is 404", run: func(w *world) {
			for _, o := range outcomes() {
				w.refused(w.tell(transport.Claimed{ID: unknownID}, o), http.StatusNotFound, "State not found")
			}
		}},
		{name: "§2 an ID that is none is 404", run: func(w *world) {
			for _, o := range outcomes() {
				w.refused(w.tell(transport.Claimed{ID: "not-an-id"}, o), http.StatusNotFound, "")
			}
			_, err := w.tr.Secrets(w.ctx(), "not-an-id")
			w.refused(err, http.StatusNotFound, "")
			_, err = w.tr.Retry(w.ctx(), "not-an-id", "f")
			w.refused(err, http.StatusNotFound, "")
		}},
		{name: "§3 report: of a state that is not under claim is 400", run: reportsNeedAClaim},
		{name: "§3 executed: without outputs the output is empty", run: func(w *world) {
			w.serve("A", "B")
			runID := w.begin(step("A", "v", "b"), step("B", "v"))
			s := w.do("A")
			w.sameJSON("outputs", w.detail(runID, s.ID).Outputs, []byte(`{}`))
			w.stands(runID, "a SUCCESS", "b CREATED")
		}},
		{name: "§3 errored: the error is kept", run: func(w *world) {
			w.serve("A")
			runID := w.begin(step("A", "v"))
			s := w.one("A")
			w.end(s, transport.Errored{Message: "boom: é\n\"quoted\""})
			if got := w.detail(runID, s.ID).Error; got != "boom: é\n\"quoted\"" {
				w.t.Errorf("the error is %q", got)
			}
			if got := w.states(runID)[0].Error; got != "boom: é\n\"quoted\"" {
				w.t.Errorf("the error is %q in the run's graph", got)
			}
		}},
		{name: "§3 secrets: those of the graph, for a node that declares them", run: func(w *world) {
			a := node("A")
			a.Secrets = []string{"first", "second"}
			w.register(a)
			g := w.spec(step("A", "v"))
			g.Secrets = transport.Secrets{"first": "1", "second": "t \"2\" é"}
			w.valid("graph", g)
			w.trigger(transport.TriggerSpec{})
			got, err := w.tr.Secrets(w.ctx(), w.one("A").ID)
			w.ok(err)
			w.equal("secrets", map[string]string(got), map[string]string(g.Secrets))
		}},
		{name: "§1 values are any text", run: valuesAreAnyText},
	}
}

func nodesAreListed(w *world) {
	spec := transport.NodeSpec{Name: "A", InputsSchema: schema("x", "y"), OutputsSchema: schema(), Secrets: []string{"key", "token"}}
	w.register(spec, node("B"))
	nodes, err := w.tr.Nodes(w.ctx())
	w.ok(err)
	if len(nodes) != 2 {
		w.t.Fatalf("%d nodes", len(nodes))
	}
	for _, n := range nodes {
		if n.Namespace != w.name || n.Runtime != "conformance" {
			w.t.Errorf("node %s of namespace %q, runtime %q", n.Name, n.Namespace, n.Runtime)
		}
		if n.Name == "A" {
			w.equal("secrets", n.Secrets, spec.Secrets)
			w.sameJSON("inputs schema", n.InputsSchema, spec.InputsSchema)
			w.sameJSON("outputs schema", n.OutputsSchema, spec.OutputsSchema)
		}
	}
}

func eachStateGoesToOneCaller(w *world) {
	w.serve("A", "B")
	const n = 48
	values := make([]string, n)
	w.begin(step("A", "v", "b"), step("B", "v"))
	w.do("A", values...)
	var mu sync.Mutex
	seen := make(map[string]int)
	var callers sync.WaitGroup
	for range 6 {
		callers.Go(func() {
			for range n {
				states, err := w.tr.Claim(w.ctx(), transport.ClaimRequest{Nodes: []string{"B"}, Max: 3})
				mu.Lock()
				for _, s := range states {
					seen[s.ID]++
				}
				mu.Unlock()
				if err != nil {
					w.t.Error(err)
				}
				if err != nil || len(states) == 0 {
					return
				}
			}
		})
	}
	callers.Wait()
	if len(seen) != n {
		w.t.Errorf("claimed %d states, want %d", len(seen), n)
	}
	for id, times := range seen {
		if times > 1 {
			w.t.Errorf("state %s went to %d callers", id, times)
		}
	}
}

func reportsAreTakenByThemselves(w *world) {
	w.serve("A")
	w.valid("graph", w.spec(step("A", "v")))
	runs := make(map[string]string) // by state
	var reports []transport.Report
	for range 4 {
		runID := w.trigger(transport.TriggerSpec{})
		s := w.one("A")
		runs[s.ID] = runID
		reports = append(reports, transport.Report{StateID: s.ID, Token: s.Token, Outcome: executed("x")})
	}
	unknown := transport.Report{StateID: unknownID, Outcome: executed("x")}
	reports = []transport.Report{reports[0], unknown, reports[1], reports[2], unknown, reports[3]}
	errs := w.tr.Report(w.ctx(), reports)
	if len(errs) != len(reports) {
		w.t.Fatalf("%d errors for %d reports", len(errs), len(reports))
	}
	for i, err := range errs {
		if reports[i].StateID == unknownID {
			w.refused(err, http.StatusNotFound, "")
			continue
		}
		w.ok(err)
		w.comesTo(runs[reports[i].StateID], transport.RunSuccess)
	}
}

func reportsNeedAClaim(w *world) {
	w.serve("A")
	runID := w.begin(step("A", "v"))
	id := w.root(runID)
	for name, o := range outcomes() {
		if name == "requeued" {
			continue // of this the reference server takes any
		}
		err := w.tell(transport.Claimed{ID: id}, o)
		w.refused(err, http.StatusBadRequest, "State is not queued")
		if !transport.IsNotQueued(err) {
			w.t.Errorf("%s: IsNotQueued(%v) = false", name, err)
		}
	}
	w.stands(runID, "a CREATED")
}

func valuesAreAnyText(w *world) {
	w.serve("A", "B")
	w.valid("graph", w.spec(step("A", "v", "b"), step("B", "${{ a.outputs.out }}")))
	for _, v := range []string{"", " ", "\x00", "é😀\u2028", "\"\\\n\t", "${{ store.x }}", "${{", "<&>", "null", "{\"a\":1}"} {
		w.trigger(transport.TriggerSpec{Inputs: map[string]string{"in": v}})
		s := w.do("A", v)
		if input(s) != v {
			w.t.Errorf("trigger input %q arrived as %q", v, input(s))
		}
		if got := input(w.one("B")); got != v {
			w.t.Errorf("output %q arrived as %q", v, got)
		}
	}
}
