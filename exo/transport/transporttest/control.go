package transporttest

import (
	"net/http"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// controlRules is §4 but for runs.
func controlRules() []rule {
	return []rule{
		{name: "§4 upsert: the graph can be read", run: func(w *world) {
			w.serve("A", "B")
			g := w.spec(step("A", "x", "b"), join("B", "y", "a", ""))
			w.valid("graph", g)
			got, err := w.tr.Graph(w.ctx(), "graph")
			w.ok(err)
			if got.Name != "graph" || got.Namespace != w.name || got.CreatedAt.IsZero() || got.UpdatedAt.Before(got.CreatedAt) || len(got.Errors) > 0 {
				w.t.Errorf("read %+v", got)
			}
			g.Nodes[1].Next, g.Nodes[1].Unites = []string{}, &transport.Unites{Identifier: "a", Strategy: transport.AllSuccess}
			w.equal("nodes", got.Nodes, g.Nodes)
		}},
		{name: "§4 upsert: replaces a graph of that name", run: func(w *world) {
			w.serve("A")
			w.valid("graph", w.spec(step("A", "old")))
			w.valid("graph", w.spec(step("A", "new")))
			got, err := w.tr.Graph(w.ctx(), "graph")
			w.ok(err)
			if len(got.Nodes) != 1 || got.Nodes[0].Inputs["in"] != "new" {
				w.t.Errorf("read %+v", got.Nodes)
			}
		}},
		{name: "§4 upsert: names are trimmed", run: func(w *world) {
			w.serve("A", "B")
			first, second := step(" A ", "v", " b "), step("B\t", "v")
			first.Identifier, second.Identifier = " a\n", "b "
			w.valid("graph", w.spec(first, second))
			got, err := w.tr.Graph(w.ctx(), "graph")
			w.ok(err)
			if p := got.Nodes[0]; p.Node != "A" || p.Identifier != "a" || !slices.Equal(p.Next, []string{"b"}) {
				w.t.Errorf("read %+v", got.Nodes)
			}
		}},
		{name: "§4 upsert: secrets are shown by name alone", run: func(w *world) {
			w.serve("A")
			g := w.spec(step("A", "v"))
			g.Secrets = transport.Secrets{"token": "t-1", "key": "k-1"}
			w.valid("graph", g)
			got, err := w.tr.Graph(w.ctx(), "graph")
			w.ok(err)
			w.equal("secret names", got.SecretNames, []string{"key", "token"})
		}},
		{name: "§4 graph: unknown is 404", run: func(w *world) {
			_, err := w.tr.Graph(w.ctx(), "unknown")
			w.refused(err, http.StatusNotFound, "unknown")
		}},
		{name: "§4 graphs and nodes: those of the namespace", run: func(w *world) {
			w.serve("A")
			for _, name := range []string{"one", "two"} {
				w.valid(name, w.spec(step("A", "v")))
			}
			graphs, err := w.tr.Graphs(w.ctx())
			w.ok(err)
			names := make([]string, 0, len(graphs))
			for _, g := range graphs {
				names = append(names, g.Name)
				if g.Namespace != w.name || g.Status != transport.Valid || len(g.Nodes) != 1 {
					w.t.Errorf("listed %+v", g)
				}
			}
			slices.Sort(names)
			w.equal("graphs", names, []string{"one", "two"})
			other := w.beside()
			graphs, err = other.tr.Graphs(w.ctx())
			w.ok(err)
			nodes, err := other.tr.Nodes(w.ctx())
			w.ok(err)
			if len(graphs)+len(nodes) > 0 {
				w.t.Errorf("an empty namespace has %d graphs and %d nodes", len(graphs), len(nodes))
			}
		}},
		{name: "§4 trigger: of an unknown graph is 404", run: func(w *world) {
			_, err := w.tr.Trigger(w.ctx(), "unknown", transport.TriggerSpec{})
			w.refused(err, http.StatusNotFound, "Graph template not found")
		}},
		{name: "§4 trigger: of an invalid graph is 400", run: func(w *world) {
			if s := w.put("graph", w.spec(step("Unregistered", "v"))); s.Status != transport.Invalid {
				w.t.Fatalf("the graph is %s", s.Status)
			}
			_, err := w.tr.Trigger(w.ctx(), "graph", transport.TriggerSpec{})
			w.refused(err, http.StatusBadRequest, "Graph template is not valid")
		}},
		{name: "§4 trigger: start_delay puts off the root", run: func(w *world) {
			w.serve("A")
			w.valid("graph", w.spec(step("A", "v")))
			begun := time.Now()
			runID := w.trigger(transport.TriggerSpec{StartDelay: 2 * unit})
			w.stands(runID, "a CREATED")
			w.comesTo(runID, transport.RunPending)
			w.due(begun, 2*unit, 2*unit)
		}},
		{name: "§4 trigger: a start_delay beyond all bounds is far away", run: func(w *world) {
			w.serve("A")
			w.valid("graph", w.spec(step("A", "v")))
			w.trigger(transport.TriggerSpec{StartDelay: 1<<63 - 1})
			w.none("A")
		}},
		{name: "§4 namespaces: those that hold something, sorted", run: func(w *world) {
			lister, ok := w.sm.(transport.NamespaceLister)
			if !ok {
				w.t.Skip("the state manager is no NamespaceLister")
			}
			w.serve("A")
			w.beside().serve("A")
			names, err := lister.Namespaces(w.ctx())
			w.ok(err)
			if !slices.Contains(names, w.name) || !slices.Contains(names, w.beside().name) || !slices.IsSorted(names) {
				w.t.Errorf("%q", names)
			}
		}},
	}
}

// runRules is §4, runs, and §5.
func runRules() []rule {
	return []rule{
		{name: "§5 a state is CREATED, then QUEUED, then SUCCESS", run: func(w *world) {
			w.serve("A")
			runID := w.begin(step("A", "v"))
			w.stands(runID, "a CREATED")
			s := w.one("A")
			w.stands(runID, "a QUEUED")
			w.none("A")
			w.end(s, executed("x"))
			w.stands(runID, "a SUCCESS")
			w.none("A")
		}},
		{name: "§5 a next state that cannot be made is a NEXT_CREATED_ERROR", run: func(w *world) {
			w.serve("A", "B")
			runID := w.begin(step("A", "v", "b"), step("B", "${{ a.outputs.out }}"))
			s := w.one("A")
			w.end(s, transport.Executed{Outputs: []transport.Object{object(map[string]string{"other": "x"})}})
			w.stands(runID, "a NEXT_CREATED_ERROR")
			if d := w.detail(runID, s.ID); d.Error == "" || d.Status != transport.StatusNextCreatedError {
				w.t.Errorf("it does not say why: %+v", d)
			}
			w.comesTo(runID, transport.RunFailed)
		}},
		{name: "§4 runs: counts and status", run: func(w *world) {
			w.serve("A", "B", "C")
			g := w.spec(step("A", "v", "b"), step("B", "v", "c"), step("C", "${{ b.outputs.out }}"))
			g.Retry.MaxRetries = 1
			w.valid("graph", g)
			runID := w.trigger(transport.TriggerSpec{})
			check := func(status transport.RunStatus, success, pending, errored, retried int) {
				w.t.Helper()
				got := w.info(runID)
				want := transport.RunInfo{
					ID: runID, Graph: "graph", Status: status, Success: success, Pending: pending, Errored: errored, Retried: retried,
					Total: success + pending + errored + retried, CreatedAt: got.CreatedAt,
				}
				if got != want || got.CreatedAt.IsZero() {
					w.t.Errorf("%+v, want %+v", got, want)
				}
			}
			check(transport.RunPending, 0, 1, 0, 0)
			w.do("A", "1", "2", "3", "4")
			check(transport.RunPending, 4, 4, 0, 0)
			b := w.claim(4, "B")
			check(transport.RunPending, 4, 4, 0, 0)
			w.end(b[0], transport.Pruned{})
			w.end(b[1], transport.Executed{}) // C cannot be made
			w.end(b[2], executed("x"))
			w.fail(b[3])
			check(transport.RunPending, 6, 2, 1, 1)
			w.do("C", "x")
			w.until(time.Millisecond)
			w.fail(w.one("B"))
			check(transport.RunFailed, 7, 0, 2, 1)
		}},
		{name: "§4 runs: newest first, in pages", run: func(w *world) {
			w.serve("A")
			w.valid("graph", w.spec(step("A", "v")))
			var want []string
			for range 5 {
				want = append([]string{w.trigger(transport.TriggerSpec{})}, want...)
				w.pass(5 * time.Millisecond) // times are told in milliseconds
			}
			var got []string
			for page, n := range []int{2, 2, 1, 0} {
				p, err := w.tr.Runs(w.ctx(), page+1, 2)
				w.ok(err)
				if p.Total != 5 || p.Page != page+1 || p.Size != 2 || len(p.Runs) != n {
					w.t.Errorf("page %d: %+v", page+1, p)
				}
				for _, r := range p.Runs {
					got = append(got, r.ID)
				}
			}
			w.equal("runs", got, want)
		}},
		{name: "§4 runs: a namespace without any", run: func(w *world) {
			p, err := w.tr.Runs(w.ctx(), 1, 10)
			w.ok(err)
			if p.Total != 0 || len(p.Runs) != 0 {
				w.t.Errorf("%+v", p)
			}
		}},
		{name: "§4 run graph: roots, states, edges from the direct parent, summary", run: func(w *world) {
			w.serve("A", "B", "C")
			runID := w.begin(step("A", "v", "b"), step("B", "v", "c"), step("C", "v"))
			a := w.do("A", "1")
			b := w.do("B", "1")
			g, err := w.tr.RunGraph(w.ctx(), runID)
			w.ok(err)
			c := w.one("C")
			w.equal("roots", g.Roots, []string{a.ID})
			w.equal("edges", g.Edges, []transport.Edge{{Source: a.ID, Target: b.ID}, {Source: b.ID, Target: c.ID}})
			if g.Graph != "graph" || len(g.States) != 3 || g.Summary[transport.StatusSuccess] != 2 || g.Summary[transport.StatusCreated] != 1 {
				w.t.Errorf("%+v", g)
			}
			for _, status := range []transport.Status{
				transport.StatusQueued, transport.StatusExecuted, transport.StatusErrored, transport.StatusNextCreatedError,
				transport.StatusPruned, transport.StatusRetryCreated,
			} {
				if n, ok := g.Summary[status]; !ok || n != 0 {
					w.t.Errorf("the summary has %d of %s, present %v", n, status, ok)
				}
			}
		}},
		{name: "§4 state detail: everything, with parents in order of ancestry", run: func(w *world) {
			w.serve("Z", "M", "A")
			runID := w.begin(step("Z", "1", "m"), step("M", "2", "a"), step("A", "${{ m.outputs.out }}"))
			z, m := w.do("Z", "zo"), w.do("M", "mo")
			a := w.do("A", "ao")
			d := w.detail(runID, a.ID)
			if d.ID != a.ID || d.Node != "A" || d.Identifier != "a" || d.Graph != "graph" || d.RunID != runID || d.Status != transport.StatusSuccess ||
				d.Error != "" || d.CreatedAt.IsZero() || d.UpdatedAt.Before(d.CreatedAt) {
				w.t.Errorf("%+v", d)
			}
			w.sameJSON("inputs", d.Inputs, []byte(`{"in":"mo"}`))
			w.sameJSON("outputs", d.Outputs, []byte(`{"out":"ao"}`))
			w.equal("parents", d.Parents, transport.Parents{{Identifier: "z", StateID: z.ID}, {Identifier: "m", StateID: m.ID}})
		}},
		{name: "§4 state detail: of an unknown state, or by another graph or run, is 404", run: func(w *world) {
			w.serve("A")
			runID := w.begin(step("A", "v"))
			w.valid("other", w.spec(step("A", "v")))
			id := w.root(runID)
			for _, at := range [][3]string{{"graph", runID, unknownID}, {"other", runID, id}, {"graph", w.trigger(transport.TriggerSpec{}), id}} {
				_, err := w.tr.State(w.ctx(), at[0], at[1], at[2])
				w.refused(err, http.StatusNotFound, "not found")
			}
		}},
	}
}
