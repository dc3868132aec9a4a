package transporttest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
)

// An invalid graph, and how it is refused.
type invalid struct {
	name   string
	status int
	spec   func(w *world) transport.GraphSpec
}

// steps is an invalid graph of nothing but steps.
func steps(name string, status int, s ...transport.Placement) invalid {
	return invalid{name, status, func(w *world) transport.GraphSpec { return w.spec(s...) }}
}

// with is an invalid graph of one step, and more.
func with(name string, status int, change func(g *transport.GraphSpec)) invalid {
	return invalid{name, status, func(w *world) transport.GraphSpec {
		g := w.spec(step("A", "v"))
		change(&g)
		return g
	}}
}

const (
	structural = http.StatusBadRequest
	ofAField   = http.StatusUnprocessableEntity
)

// structureRules is §6, up to §6.1.
func structureRules() []rule {
	var all []rule
	for _, i := range invalidGraphs() {
		all = append(all, rule{name: i.name, run: func(w *world) {
			w.serve("A", "B", "C", "D")
			w.valid("graph", w.spec(step("A", "the old one")))
			_, err := w.tr.PutGraph(w.ctx(), "graph", i.spec(w))
			w.refused(err, i.status, "")
			got, err := w.tr.Graph(w.ctx(), "graph")
			w.ok(err)
			if got.Status != transport.Valid || len(got.Nodes) != 1 || got.Nodes[0].Inputs["in"] != "the old one" {
				w.t.Errorf("the old graph has become %+v", got)
			}
		}})
	}
	return append(all, rule{name: "§6.1 taken: every placeholder of an ancestor and of a declared key", run: func(w *world) {
		w.serve("A", "B", "C", "D")
		g := w.spec(
			step("A", "${{store.r}}", "b"),
			step("B", "${{ a.outputs.out }}", "c"),
			step("C", "${{ a.outputs.out }} and ${{b.outputs.out}} and ${{ store.d }}", "d"),
			join("D", "${{ b.outputs.out }}${{ a.outputs.out }}", "b", transport.AllDone),
		)
		g.Store = transport.StoreConfig{RequiredKeys: []string{"r"}, DefaultValues: map[string]string{"d": ""}}
		w.valid("graph", g)
	}})
}

func invalidGraphs() []invalid {
	retry := func(change func(r *transport.RetryPolicy)) func(*transport.GraphSpec) {
		return func(g *transport.GraphSpec) {
			r := transport.DefaultRetryPolicy()
			change(&r)
			g.Retry = &r
		}
	}
	return []invalid{
		steps("§6.1 refused: no steps", structural),
		steps("§6.1 refused: two steps of one identifier", structural, step("A", "v", "b"), as("b", step("B", "v")), as("b", step("C", "v"))),
		steps("§6.1 refused: an unknown next step", structural, step("A", "v", "nowhere")),
		steps("§6.1 refused: two roots", structural, step("A", "v"), step("B", "v")),
		steps("§6.1 refused: a cycle", structural, step("A", "v", "b"), step("B", "v", "c"), step("C", "v", "b")),
		steps("§6.1 refused: a step that follows itself", structural, step("A", "v", "b"), step("B", "v", "b")),
		steps("§6.1 refused: no root", structural, step("A", "v", "b"), step("B", "v", "a")),
		steps("§6.1 refused: an island", structural, step("A", "v"), step("B", "v", "c"), step("C", "v", "b")),
		steps("§6.1 refused: unites an unknown step", structural, step("A", "v", "b"), join("B", "v", "nowhere", transport.AllDone)),
		steps("§6.1 refused: unites itself", structural, step("A", "v", "b"), join("B", "v", "b", transport.AllDone)),
		steps("§6.1 refused: a join that no next step leads to", structural, step("A", "v"), join("B", "v", "a", transport.AllDone)),
		steps("§6.1 refused: a placeholder of a step that is no ancestor", structural, step("A", "v", "b", "c"), step("B", "v"), step("C", "${{ b.outputs.out }}")),
		steps("§6.1 refused: a placeholder of the step itself", structural, step("A", "v", "b"), step("B", "${{ b.outputs.out }}")),
		steps("§6.1 refused: a placeholder of a step after it", structural, step("A", "${{ b.outputs.out }}", "b"), step("B", "v")),
		steps("§6.1 refused: a placeholder of an unknown step", structural, step("A", "v", "b"), step("B", "${{ nobody.outputs.out }}")),
		steps("§6.1 refused: a store key that is not declared", structural, step("A", "${{ store.key }}")),
		steps("§7 refused: a placeholder that is not closed", structural, step("A", "v", "b"), step("B", "x ${{ a.outputs.out")),
		steps("§7 refused: a placeholder of another shape", structural, step("A", "v", "b"), step("B", "${{ a.output.out }}")),
		steps("§7 refused: an empty placeholder", structural, step("A", "${{ }}")),
		with("§6.1 refused: a secret without a name", structural, func(g *transport.GraphSpec) { g.Secrets = transport.Secrets{"": "v"} }),
		steps("§6 refused: an empty identifier", ofAField, as(" ", step("A", "v"))),
		steps("§6 refused: an empty node", ofAField, as("a", step("", "v"))),
		steps("§6 refused: a step called store", ofAField, as("store", step("A", "v"))),
		steps("§6 refused: a next step twice", ofAField, step("A", "v", "b", "b"), step("B", "v")),
		steps("§6 refused: a strategy that there is not", ofAField, step("A", "v", "b"), join("B", "v", "a", "SOME_SUCCESS")),
		with("§10 refused: fewer than no retries", ofAField, retry(func(r *transport.RetryPolicy) { r.MaxRetries = -1 })),
		with("§10 refused: a retry strategy that there is not", ofAField, retry(func(r *transport.RetryPolicy) { r.Strategy = "SOMETIMES" })),
		with("§10 refused: a negative backoff", ofAField, retry(func(r *transport.RetryPolicy) { r.Backoff = -1e9 })),
		with("§10 refused: a negative exponent", ofAField, retry(func(r *transport.RetryPolicy) { r.Exponent = -1 })),
		with("§10 refused: a negative bound", ofAField, retry(func(r *transport.RetryPolicy) { r.MaxDelay = -1e9 })),
		with("§12 refused: a cron expression that is none", ofAField, func(g *transport.GraphSpec) {
			g.Triggers = []transport.CronTrigger{{Expression: "now and then"}}
		}),
		with("§12 refused: no cron expression", ofAField, func(g *transport.GraphSpec) { g.Triggers = []transport.CronTrigger{{}} }),
	}
}

// registrationRules is §6.2.
func registrationRules() []rule {
	// judged wants a verdict on a graph, and that it mentions some text.
	judged := func(w *world, want transport.ValidationStatus, g transport.GraphSpec, mention string) {
		w.t.Helper()
		status := w.put("graph", g)
		if status.Status != want || (want == transport.Invalid) != (len(status.Errors) > 0) ||
			!strings.Contains(strings.Join(status.Errors, "\n"), mention) {
			w.t.Errorf("the graph is %s: %q, want %s, and a mention of %q", status.Status, status.Errors, want, mention)
		}
	}
	// property registers A with an input of this schema.
	property := func(w *world, property string) {
		w.t.Helper()
		a := node("A")
		a.InputsSchema = json.RawMessage(`{"type":"object","title":"I","properties":{"in":` + property + `},"required":["in"]}`)
		w.register(a)
	}
	all := []rule{
		{name: "§6.2 invalid: a node that is not registered", run: func(w *world) {
			w.serve("A")
			judged(w, transport.Invalid, w.spec(step("A", "v", "b"), step("B", "v")), "B")
		}},
		{name: "§6.2 invalid: a node that is registered elsewhere", run: func(w *world) {
			w.beside().serve("A")
			judged(w, transport.Invalid, w.spec(step("A", "v")), w.name)
		}},
		{name: "§6.2 invalid: a secret that a node needs is missing", run: func(w *world) {
			a := node("A")
			a.Secrets = []string{"key"}
			w.register(a)
			g := w.spec(step("A", "v"))
			judged(w, transport.Invalid, g, "key")
			g.Secrets = transport.Secrets{"key": "k"}
			judged(w, transport.Valid, g, "")
		}},
		{name: "§6.2 invalid: an input of the node is missing", run: func(w *world) {
			a := node("A")
			a.InputsSchema = schema("in", "also")
			w.register(a)
			g := w.spec(step("A", "v"))
			judged(w, transport.Invalid, g, "also")
			g.Nodes[0].Inputs["also"] = ""
			judged(w, transport.Valid, g, "")
		}},
		{name: "§6.2 invalid: a placeholder of an output that the node has not", run: func(w *world) {
			w.serve("A", "B")
			judged(w, transport.Invalid, w.spec(step("A", "v", "b"), step("B", "${{ a.outputs.other }}")), "other")
		}},
		{name: "§6.2 valid: inputs that the node does not know", run: func(w *world) {
			w.serve("A")
			g := w.spec(step("A", "v"))
			g.Nodes[0].Inputs["unknown"] = "x"
			judged(w, transport.Valid, g, "")
		}},
	}
	for _, p := range []string{
		`{"type":"string"}`, `{"type":"string","title":"T","description":"d","examples":["e"],"minLength":1,"maxLength":9,"pattern":"^[a-z]+$"}`,
		`{"type":"string","default":"d"}`, `{"type":"string","format":"email"}`, `{"type":"string","contentMediaType":"application/json"}`, `{"type":"string","x-own":1}`,
	} {
		all = append(all, rule{name: "§6.2 a string: " + p, run: func(w *world) {
			property(w, p)
			judged(w, transport.Valid, w.spec(step("A", "v")), "")
		}})
	}
	for _, p := range []string{
		`{"type":"integer"}`, `{"type":["string","null"]}`, `{"type":"string","enum":["a"]}`, `{"type":"string","const":"a"}`,
		`{"type":"string","format":"date-time"}`, `{"type":"string","format":"uuid"}`, `{"anyOf":[{"type":"string"}]}`,
	} {
		all = append(all, rule{name: "§6.2 no string: " + p, run: func(w *world) {
			property(w, p)
			judged(w, transport.Invalid, w.spec(step("A", "v")), "")
		}})
	}
	return all
}
