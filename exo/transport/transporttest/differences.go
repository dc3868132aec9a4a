package transporttest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// lasts are the ways in which the last branch under an anchor may end without
// arriving at the join.
func lasts() map[string]func(w *world, last transport.Claimed) {
	return map[string]func(*world, transport.Claimed){
		"is pruned": func(w *world, last transport.Claimed) { w.end(last, transport.Pruned{}) },
		"fails":     func(w *world, last transport.Claimed) { w.fail(last) },
	}
}

// differences is §14: each of these would fail with the behaviour of the
// reference server.
func differences() []rule {
	var all []rule
	for how, end := range lasts() {
		all = append(all, rule{name: "§14 joins: ALL_DONE runs if the last branch " + how, run: func(w *world) {
			_, _, works := w.fan(w.fanned(transport.AllDone), "1", "2")
			w.finish(works[0])
			end(w, works[1])
			w.do("Join", "x")
		}})
	}
	for _, strategy := range strategies {
		name := "§14 joins: " + string(strategy)
		all = append(all, []rule{
			{name: name + " runs if the last branch ends in a leaf", run: func(w *world) {
				g := w.fanned(strategy, step("Leaf", "v"))
				g.Nodes[1].Next = []string{"work", "leaf"}
				runID, _, works := w.fan(g, "1")
				w.finish(works...)
				w.none("Join")
				w.do("Leaf", "x")
				w.comesTo(runID, transport.RunPending)
				w.do("Join", "x")
				w.comesTo(runID, transport.RunSuccess)
			}},
			{name: name + " runs if all branches are pruned", run: func(w *world) {
				runID, _, works := w.fan(w.fanned(strategy), "1", "2")
				for _, s := range works {
					w.end(s, transport.Pruned{})
				}
				w.do("Join", "x")
				w.comesTo(runID, transport.RunSuccess)
			}},
			{name: name + ": two on one anchor both run", run: func(w *world) {
				g := w.fanned(strategy, join("Other", "other ${{ root.outputs.out }}", "root", strategy, "last"), step("Last", "v"))
				g.Nodes[2].Next = []string{"join", "other"}
				runID, _, works := w.fan(g, "1", "2")
				w.finish(works[0])
				w.none("Join", "Other")
				w.finish(works[1])
				one := w.one("Join") // under claim, and no branch of the other
				if got := input(w.do("Other", "x")); got != "other R" {
					w.t.Errorf("the other reads %q", got)
				}
				w.finish(one)
				w.do("Last", "x")
				w.stands(runID, "root SUCCESS", "split SUCCESS*2", "work SUCCESS*2", "join SUCCESS", "other SUCCESS", "last SUCCESS")
				w.comesTo(runID, transport.RunSuccess)
			}},
			{name: name + ": on the fan-out itself, one for each sibling", run: func(w *world) {
				g := w.fanned(strategy)
				g.Nodes[3].Unites.Identifier = "split"
				g.Nodes[3].Inputs["in"] = "${{ split.outputs.out }}"
				_, _, works := w.fan(g, "1", "2", "3")
				for _, s := range works {
					w.finish(s)
					if got := input(w.do("Join", "x")); got != input(s) {
						w.t.Errorf("the join of %q reads %q", input(s), got)
					}
				}
			}},
			{name: name + ": right after its anchor", run: func(w *world) {
				w.serve("A", "Join")
				runID := w.begin(step("A", "v", "join"), join("Join", "${{ a.outputs.out }}", "a", strategy))
				w.do("A", "x")
				if got := input(w.do("Join", "x")); got != "x" {
					w.t.Errorf("the join reads %q", got)
				}
				w.comesTo(runID, transport.RunSuccess)
			}},
			{name: name + ": a step after it reads its outputs", run: func(w *world) {
				g := w.fanned(strategy, step("Last", "${{ join.outputs.out }}"))
				g.Nodes[3].Next = []string{"last"}
				_, _, works := w.fan(g, "1")
				w.finish(works...)
				w.do("Join", "of the join")
				if got := input(w.one("Last")); got != "of the join" {
					w.t.Errorf("the last step reads %q", got)
				}
			}},
		}...)
	}
	all = append(all, rule{name: "§14 joins: a pruned branch is done for ALL_SUCCESS", run: func(w *world) {
		runID, _, works := w.fan(w.fanned(transport.AllSuccess), "1", "2", "3")
		w.end(works[0], transport.Pruned{})
		w.finish(works[1])
		w.none("Join")
		w.finish(works[2])
		w.do("Join", "x")
		w.comesTo(runID, transport.RunSuccess)
	}})
	all = append(all, reportDifferences()...)
	return append(all, graphDifferences()...)
}

// reportDifferences are those about states and reports.
func reportDifferences() []rule {
	return []rule{
		{name: "§14 a worker dies: another gets its states", run: func(w *world) {
			runID, _ := w.expiring()
			w.end(w.again(), executed("x"))
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§14 the next states are there when the report returns", run: func(w *world) {
			w.serve("A", "B")
			w.valid("graph", w.spec(step("A", "v", "b"), step("B", "v")))
			for range 10 {
				runID := w.trigger(transport.TriggerSpec{})
				w.end(w.one("A"), executed("1", "2", "3"))
				w.stands(runID, "a SUCCESS*3", "b CREATED*3")
				w.finish(w.claim(3, "B")...)
				w.comesTo(runID, transport.RunSuccess)
			}
		}},
		{name: "§14 the same report again gets the first response", run: sameReportAgain},
		{name: "§14 another report afterwards is 409", run: anotherReportIsAConflict},
		{name: "§14 two reports at once: one is taken", run: oneOfTwoReportsIsTaken},
		{name: "§14 requeue: only of a state under claim", run: func(w *world) {
			w.serve("A")
			runID := w.begin(step("A", "v"))
			id := w.root(runID)
			requeue := transport.Requeued{After: time.Hour}
			w.refused(w.tell(transport.Claimed{ID: id}, requeue), http.StatusBadRequest, "not queued")
			s := w.do("A", "x")
			w.refused(w.tell(s, requeue), http.StatusConflict, "")
			w.stands(runID, "a SUCCESS")
		}},
		{name: "§14 manual retry: only of a state that has failed, or is under claim without a lease", run: retryOfWhatHasFailed},
		{name: "§14 one bad output of a fan-out fails alone", run: func(w *world) {
			w.serve("A", "B")
			runID := w.begin(step("A", "v", "b"), step("B", "${{ a.outputs.out }}"))
			bad := object(map[string]string{"other": "x"})
			e := executed("1", "2")
			w.end(w.one("A"), transport.Executed{Outputs: []transport.Object{e.Outputs[0], bad, e.Outputs[1]}})
			w.stands(runID, "a SUCCESS*2", "a NEXT_CREATED_ERROR", "b CREATED*2")
			for i, s := range w.claim(2, "B") {
				w.equal("input", input(s), string(rune('1'+i)))
			}
		}},
		{name: "§14 jitter: also delays at their bound are spread", run: boundedDelaysAreSpread},
		{name: "§14 secrets: those that the node declares, for a state under claim", run: func(w *world) {
			a := node("A")
			a.Secrets = []string{"key"}
			w.register(a, node("B"))
			g := w.spec(step("A", "v", "b"), step("B", "v"))
			g.Secrets = transport.Secrets{"key": "k-1", "token": "t-2"}
			w.valid("graph", g)
			runID := w.trigger(transport.TriggerSpec{})
			_, err := w.tr.Secrets(w.ctx(), w.root(runID))
			w.refused(err, http.StatusBadRequest, "")
			s := w.one("A")
			got, err := w.tr.Secrets(w.ctx(), s.ID)
			w.ok(err)
			w.equal("secrets of a", map[string]string(got), map[string]string{"key": "k-1"})
			w.end(s, executed("x"))
			_, err = w.tr.Secrets(w.ctx(), s.ID)
			w.refused(err, http.StatusBadRequest, "")
			got, err = w.tr.Secrets(w.ctx(), w.one("B").ID)
			w.ok(err)
			w.equal("secrets of b", len(got), 0)
			_, err = w.tr.Secrets(w.ctx(), unknownID)
			w.refused(err, http.StatusNotFound, "")
		}},
		{name: "§14 prune: its data is in the state's detail", run: func(w *world) {
			w.serve("A")
			runID := w.begin(step("A", "v"))
			s := w.one("A")
			data := map[string]any{"why": "it is empty", "n": 1.5, "list": []any{true, nil, "x"}, "within": map[string]any{"a": "b"}}
			w.end(s, transport.Pruned{Data: data})
			got := w.detail(runID, s.ID).Data
			if len(got) == 0 {
				w.needs(transport.ExtensionReport) // one without extensions may not tell
			}
			w.sameJSON("data", got, must(json.Marshal(data)))
		}},
		{name: "§14 batch size: none for 0 or less, at most 1000", run: func(w *world) {
			w.serve("A", "B")
			w.begin(step("A", "v", "b"), step("B", "v"))
			w.do("A", make([]string, 1001)...)
			for _, n := range []int{0, -1} {
				w.equal("claimed", len(w.ask(transport.ClaimRequest{Nodes: []string{"B"}, Max: n})), 0)
			}
			w.equal("claimed", len(w.ask(transport.ClaimRequest{Nodes: []string{"B"}, Max: 5000})), 1000)
			w.equal("claimed", len(w.ask(transport.ClaimRequest{Nodes: []string{"B"}, Max: 5000})), 1)
		}},
	}
}

// graphDifferences are those about graphs and triggers.
func graphDifferences() []rule {
	return []rule{
		{name: "§14 upsert: a run keeps the version it began with", run: func(w *world) {
			w.serve("A", "B", "C")
			g := w.spec(step("A", "v", "b"), step("B", "old ${{ a.outputs.out }}", "c"), step("C", "old"))
			g.Retry.MaxRetries = 1
			g.Retry.Backoff = time.Millisecond
			w.valid("graph", g)
			old := w.trigger(transport.TriggerSpec{})
			w.valid("graph", w.spec(step("A", "v", "b"), step("B", "new ${{ a.outputs.out }}")))
			w.do("A", "x")
			b := w.one("B")
			w.equal("input of b", input(b), "old x")
			w.fail(b) // by the old policy it is retried
			w.until(time.Millisecond)
			w.do("B", "x")
			w.do("C", "x")
			w.comesTo(old, transport.RunSuccess)
			w.trigger(transport.TriggerSpec{})
			w.do("A", "x")
			b = w.one("B")
			w.equal("input of b", input(b), "new x")
			w.fail(b)
			w.until(time.Millisecond)
			w.none("B", "C")
		}},
		{name: "§14 nodes of another namespace", run: func(w *world) {
			other := w.beside()
			w.serve("A", "C", "Join")
			other.serve("B", "D")
			b, d := step("B", "${{ a.outputs.out }}", "c"), step("D", "${{ c.outputs.out }}", "join")
			b.Namespace, d.Namespace = other.name, other.name
			runID := w.begin(
				step("A", "v", "b"), b, step("C", "${{ b.outputs.out }}", "d"), d,
				join("Join", "${{ a.outputs.out }}", "a", transport.AllSuccess),
			)
			w.do("A", "1")
			w.none("B")
			w.equal("input of b", input(other.do("B", "2")), "1")
			w.equal("input of c", input(w.do("C", "3")), "2")
			w.none("D")
			w.equal("input of d", input(other.do("D", "4")), "3")
			w.equal("input of the join", input(w.do("Join", "5")), "1")
			w.comesTo(runID, transport.RunSuccess)
			if n := other.runs(); n != 0 {
				w.t.Errorf("the other namespace has %d runs", n)
			}
		}},
		{name: "§14 a diamond that reads both branches is refused", run: func(w *world) {
			w.serve("A", "B", "C", "D")
			_, err := w.tr.PutGraph(w.ctx(), "graph", w.spec(
				step("A", "v", "b", "c"), step("B", "v", "d"), step("C", "v", "d"), step("D", "${{ b.outputs.out }} ${{ c.outputs.out }}"),
			))
			w.refused(err, http.StatusBadRequest, "")
		}},
		{name: "§14 trigger inputs are data", run: func(w *world) {
			w.serve("A")
			g := w.spec(step("A", "v"))
			g.Store.DefaultValues = map[string]string{"key": "secret"}
			w.valid("graph", g)
			for _, v := range []string{"${{ store.key }}", "${{ a.outputs.out }}", "${{ broken", "${{ }}"} {
				w.trigger(transport.TriggerSpec{Inputs: map[string]string{"in": v}})
				w.equal("input", input(w.one("A")), v)
			}
		}},
		{name: "§14 a required store key that has a default", run: func(w *world) {
			w.serve("A")
			g := w.spec(step("A", "${{ store.key }}"))
			g.Store = transport.StoreConfig{RequiredKeys: []string{"key"}, DefaultValues: map[string]string{"key": "default"}}
			w.valid("graph", g)
			w.trigger(transport.TriggerSpec{})
			w.equal("input", input(w.one("A")), "default")
			w.trigger(transport.TriggerSpec{Store: map[string]string{"key": "given"}})
			w.equal("input", input(w.one("A")), "given")
		}},
		{name: "§14 graph: shows its retry policy, store and triggers", run: func(w *world) {
			w.serve("A")
			g := w.spec(step("A", "v"))
			g.Retry = &transport.RetryPolicy{MaxRetries: 7, Strategy: transport.LinearEqualJitter, Backoff: 1500 * time.Millisecond, Exponent: 3, MaxDelay: time.Minute}
			g.Store = transport.StoreConfig{RequiredKeys: []string{"r"}, DefaultValues: map[string]string{"d": "v"}}
			g.Triggers = []transport.CronTrigger{{Expression: "0 9 1 1 *"}, {Expression: "0 9 1 1 *", Timezone: "Europe/Berlin"}}
			w.valid("graph", g)
			got, err := w.tr.Graph(w.ctx(), "graph")
			w.ok(err)
			w.equal("retry policy", got.Retry, *g.Retry)
			w.equal("store", got.Store, g.Store)
			w.equal("triggers", got.Triggers, g.Triggers)
			graphs, err := w.tr.Graphs(w.ctx())
			w.ok(err)
			w.equal("graphs", graphs, []transport.GraphInfo{got})
		}},
	}
}

func anotherReportIsAConflict(w *world) {
	w.serve("A")
	w.valid("graph", w.spec(step("A", "v")))
	for name, first := range outcomes() {
		for other, second := range outcomes() {
			if name == other {
				continue
			}
			if name == "requeued" {
				first = transport.Requeued{After: time.Hour}
			}
			runID := w.trigger(transport.TriggerSpec{})
			s := w.one("A")
			w.end(s, first)
			before := w.info(runID)
			w.refused(w.tell(s, second), http.StatusConflict, "")
			w.equal("the run", w.info(runID), before)
		}
	}
	runID := w.trigger(transport.TriggerSpec{})
	s := w.do("A", "x")
	w.refused(w.tell(s, executed("y")), http.StatusConflict, "")
	w.sameJSON("outputs", w.detail(runID, s.ID).Outputs, []byte(`{"out":"x"}`))
}

func oneOfTwoReportsIsTaken(w *world) {
	w.serve("A", "B")
	w.valid("graph", w.spec(step("A", "v", "b"), step("B", "v")))
	for range 5 {
		runID := w.trigger(transport.TriggerSpec{})
		s := w.one("A")
		results := make(chan error)
		go func() { results <- w.tell(s, executed("x")) }()
		go func() { results <- w.tell(s, transport.Errored{Message: "boom"}) }()
		first, second := <-results, <-results
		if (first == nil) == (second == nil) {
			w.t.Errorf("%v and %v", first, second)
		}
		if b := w.ask(transport.ClaimRequest{Nodes: []string{"B"}, Max: 2}); len(b) > 0 {
			w.finish(b...)
			w.stands(runID, "a SUCCESS", "b SUCCESS")
		} else {
			w.stands(runID, "a ERRORED")
		}
	}
}

func sameReportAgain(w *world) {
	w.serve("A")
	g := w.spec(step("A", "v"))
	g.Retry = &transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Hour, Exponent: 1}
	w.valid("graph", g)
	for name, o := range map[string]transport.Outcome{
		"executed": executed("x", "y"), "errored": transport.Errored{Message: "boom"},
		"pruned": transport.Pruned{Data: map[string]any{"a": 1}}, "requeued": transport.Requeued{After: time.Hour},
	} {
		runID := w.trigger(transport.TriggerSpec{})
		s := w.one("A")
		w.end(s, o)
		before := w.info(runID)
		for range 2 {
			if err := w.tell(s, o); err != nil {
				w.t.Errorf("%s again: %v", name, err)
			}
		}
		w.equal("the run", w.info(runID), before)
	}
}

func retryOfWhatHasFailed(w *world) {
	w.serve("A", "B")
	runID := w.begin(step("A", "v", "b"), step("B", "${{ a.outputs.out }}"))
	refuse := func(id string) {
		w.t.Helper()
		_, err := w.tr.Retry(w.ctx(), id, "f-"+id)
		w.refused(err, http.StatusBadRequest, "")
	}
	refuse(w.root(runID)) // CREATED
	a := w.one("A")       // its worker may be dead, and no one would know
	_, err := w.tr.Retry(w.ctx(), a.ID, "dead")
	w.ok(err)
	w.stands(runID, "a RETRY_CREATED", "a CREATED")
	for _, o := range outcomes() { // it is not: it does not learn of it
		w.end(a, o)
	}
	w.stands(runID, "a RETRY_CREATED", "a CREATED")
	a = w.one("A")
	w.end(a, executed("x"))
	refuse(a.ID) // SUCCESS
	b := w.one("B")
	w.end(b, transport.Pruned{})
	refuse(b.ID) // PRUNED
	w.stands(runID, "a RETRY_CREATED", "a SUCCESS", "b PRUNED")

	runID = w.trigger(transport.TriggerSpec{})
	a = w.one("A")
	w.end(a, transport.Executed{}) // b cannot be made
	w.stands(runID, "a NEXT_CREATED_ERROR")
	_, err = w.tr.Retry(w.ctx(), a.ID, "f")
	w.ok(err)
	w.do("A", "x")
	w.do("B", "x")
	w.comesTo(runID, transport.RunSuccess)
}

func boundedDelaysAreSpread(w *world) {
	const bound = 40 * unit
	w.serve("A")
	g := w.spec(step("A", "v"))
	g.Retry = &transport.RetryPolicy{MaxRetries: 1, Strategy: transport.ExponentialFullJitter, Backoff: 24 * time.Hour, Exponent: 2, MaxDelay: bound}
	w.valid("graph", g)
	const n = 40
	for range n {
		w.trigger(transport.TriggerSpec{})
	}
	states := w.ask(transport.ClaimRequest{Nodes: []string{"A"}, Max: n})
	var reports []transport.Report
	for _, s := range states {
		reports = append(reports, transport.Report{StateID: s.ID, Token: s.Token, Outcome: transport.Errored{Message: "boom"}})
	}
	w.equal("errors", len(w.tr.Report(w.ctx(), reports)), 0)
	var dues []int // states that are due by the quarters of the bound, and later
	total := 0
	begun := time.Now()
	for total < n && (len(dues) < 4 || !w.virtual && time.Since(begun) < bound+patience) {
		w.pass(bound / 4)
		if len(dues) == 3 {
			w.until(0)
		}
		dues = append(dues, len(w.ask(transport.ClaimRequest{Nodes: []string{"A"}, Max: n})))
		total += dues[len(dues)-1]
	}
	if slices.Max(dues) == n || total != n {
		w.t.Errorf("of %d states were due, at one quarter of the bound after the other, %d", n, dues)
	}
}
