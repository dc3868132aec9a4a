package transporttest

import (
	"net/http"

	"github.com/exospherehost/exo-go/exo/transport"
)

// placeholderRules is §7.
func placeholderRules() []rule {
	// inputsOf gives the inputs of B after A has given an output.
	inputOf := func(w *world, in string) string {
		w.t.Helper()
		w.serve("A", "B")
		g := w.spec(step("A", "v", "b"), step("B", in))
		g.Store = transport.StoreConfig{RequiredKeys: []string{"given"}, DefaultValues: map[string]string{"default": "D", "empty": ""}}
		w.valid("graph", g)
		w.trigger(transport.TriggerSpec{Store: map[string]string{"given": "G"}})
		w.do("A", "O")
		return input(w.one("B"))
	}
	var all []rule
	for _, p := range []struct{ name, in, want string }{
		{"text", "plain text", "plain text"},
		{"an output", "${{ a.outputs.out }}", "O"},
		{"white space inside does not count", "${{a.outputs.out}}|${{   a.outputs.out\t}}", "O|O"},
		{"text around is kept", " before ${{ a.outputs.out }} after ", " before O after "},
		{"several", "${{ a.outputs.out }}${{ store.given }}${{ a.outputs.out }}", "OGO"},
		{"the store", "${{ store.given }} ${{ store.default }}${{ store.empty }}", "G D"},
		{"other dollars and braces", "$ {{ }} $$ ${ x } }}", "$ {{ }} $$ ${ x } }}"},
	} {
		all = append(all, rule{name: "§7 placeholders: " + p.name, run: func(w *world) {
			if got := inputOf(w, p.in); got != p.want {
				w.t.Errorf("%q became %q, want %q", p.in, got, p.want)
			}
		}})
	}
	return append(all, []rule{
		{name: "§7 an output is not read as a placeholder", run: func(w *world) {
			w.serve("A", "B", "C")
			w.begin(step("A", "v", "b"), step("B", "${{ a.outputs.out }}", "c"), step("C", "${{ b.outputs.out }}"))
			w.do("A", "${{ a.outputs.out }}")
			if got := input(w.do("B", "${{ nowhere")); got != "${{ a.outputs.out }}" {
				w.t.Errorf("%q", got)
			}
			if got := input(w.one("C")); got != "${{ nowhere" {
				w.t.Errorf("%q", got)
			}
		}},
		{name: "§7 trigger inputs replace those of the root, and others are ignored", run: func(w *world) {
			a := node("A")
			a.InputsSchema = schema("in", "kept")
			w.register(a, node("B"))
			p := step("A", "template", "b")
			p.Inputs["kept"] = "as written"
			w.valid("graph", w.spec(p, step("B", "template")))
			w.trigger(transport.TriggerSpec{Inputs: map[string]string{"in": "trigger", "unknown": "x"}})
			w.sameJSON("inputs", w.do("A", "x").Inputs, []byte(`{"in":"trigger","kept":"as written"}`))
			if got := input(w.one("B")); got != "template" {
				w.t.Errorf("a step after the root got %q", got)
			}
		}},
		{name: "§7 the root reads the store", run: func(w *world) {
			w.serve("A")
			g := w.spec(step("A", "${{ store.given }}-${{ store.default }}"))
			g.Store = transport.StoreConfig{RequiredKeys: []string{"given"}, DefaultValues: map[string]string{"default": "D"}}
			w.valid("graph", g)
			w.trigger(transport.TriggerSpec{Store: map[string]string{"given": "G", "unknown": "x"}})
			if got := input(w.one("A")); got != "G-D" {
				w.t.Errorf("%q", got)
			}
			w.trigger(transport.TriggerSpec{Store: map[string]string{"given": "G", "default": "over"}})
			if got := input(w.one("A")); got != "G-over" {
				w.t.Errorf("%q", got)
			}
		}},
		{name: "§7 a required store key that is missing is 400", run: func(w *world) {
			w.serve("A")
			g := w.spec(step("A", "v"))
			g.Store.RequiredKeys = []string{"one", "two"}
			w.valid("graph", g)
			_, err := w.tr.Trigger(w.ctx(), "graph", transport.TriggerSpec{Store: map[string]string{"one": ""}})
			w.refused(err, http.StatusBadRequest, "Missing store keys: {'two'}")
			w.trigger(transport.TriggerSpec{Store: map[string]string{"one": "", "two": ""}})
		}},
		{name: "§4 what the root reads comes before what is missing", run: func(w *world) {
			w.serve("A")
			g := w.spec(step("A", "${{ store.one }}"))
			g.Store.RequiredKeys = []string{"one", "two"}
			w.valid("graph", g)
			_, err := w.tr.Trigger(w.ctx(), "graph", transport.TriggerSpec{})
			w.refused(err, http.StatusBadRequest, "Invalid input")
		}},
	}...)
}

// nextRules is §8.
func nextRules() []rule {
	return []rule{
		{name: "§8 next: a state for every next step, with parents", run: func(w *world) {
			w.serve("A", "B", "C", "D")
			runID := w.begin(step("A", "v", "b", "c"), step("B", "v", "d"), step("C", "v"), step("D", "v"))
			a := w.do("A", "x")
			b, c := w.do("B", "x"), w.do("C", "x")
			d := w.do("D", "x")
			w.stands(runID, "a SUCCESS", "b SUCCESS", "c SUCCESS", "d SUCCESS")
			pa, pb := transport.Parent{Identifier: "a", StateID: a.ID}, transport.Parent{Identifier: "b", StateID: b.ID}
			w.equal("parents of a", len(w.detail(runID, a.ID).Parents), 0)
			w.equal("parents of c", w.detail(runID, c.ID).Parents, transport.Parents{pa})
			w.equal("parents of d", w.detail(runID, d.ID).Parents, transport.Parents{pa, pb})
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§8 next: inputs that the node does not know are not sent", run: func(w *world) {
			w.serve("A", "B")
			p := step("B", "${{ a.outputs.out }}")
			p.Inputs["unknown"] = "x"
			w.begin(step("A", "v", "b"), p)
			w.do("A", "x")
			w.sameJSON("inputs", w.one("B").Inputs, []byte(`{"in":"x"}`))
		}},
		{name: "§8 fan-out: n outputs make n-1 siblings", run: func(w *world) {
			w.serve("A", "B")
			runID := w.begin(step("A", "v", "b"), step("B", "${{ a.outputs.out }}"))
			a := w.do("A", "1", "2", "3")
			w.stands(runID, "a SUCCESS*3", "b CREATED*3")
			w.none("A") // siblings are not claimed
			outputs := make(map[string]bool)
			for _, s := range w.states(runID) {
				if s.Identifier != "a" {
					continue
				}
				d := w.detail(runID, s.ID)
				w.sameJSON("inputs of a sibling", d.Inputs, a.Inputs)
				w.equal("parents of a sibling", len(d.Parents), 0)
				outputs[fields(d.Outputs)["out"]] = true
			}
			if len(outputs) != 3 {
				w.t.Errorf("the siblings have the outputs %v", outputs)
			}
			if got := fields(w.detail(runID, a.ID).Outputs)["out"]; got != "1" {
				w.t.Errorf("the claimed state has the output %q, want the first", got)
			}
			for i, s := range w.claim(3, "B") {
				if want := string(rune('1' + i)); input(s) != want {
					w.t.Errorf("b reads %q, want %q", input(s), want)
				}
				w.end(s, executed("x"))
				d := w.detail(runID, s.ID)
				if len(d.Parents) != 1 || fields(w.detail(runID, d.Parents[0].StateID).Outputs)["out"] != input(s) {
					w.t.Errorf("b with %q has the parents %v", input(s), d.Parents)
				}
			}
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§8 fan-out: of a fan-out", run: func(w *world) {
			w.serve("A", "B", "C")
			runID := w.begin(step("A", "v", "b"), step("B", "${{ a.outputs.out }}", "c"), step("C", "${{ a.outputs.out }}${{ b.outputs.out }}"))
			w.do("A", "1", "2")
			for _, s := range w.claim(2, "B") {
				w.end(s, executed("x", "y", "z"))
			}
			var got []string
			for _, s := range w.claim(6, "C") {
				got = append(got, input(s))
				w.end(s, executed("x"))
			}
			w.equal("inputs", got, []string{"1x", "1y", "1z", "2x", "2y", "2z"})
			w.stands(runID, "a SUCCESS*2", "b SUCCESS*6", "c SUCCESS*6")
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§8 where ways meet without a join, the step runs for each", run: func(w *world) {
			w.serve("A", "B", "C", "D")
			runID := w.begin(step("A", "v", "b", "c"), step("B", "v", "d"), step("C", "v", "d"), step("D", "${{ a.outputs.out }}"))
			w.do("A", "x")
			w.do("B", "x")
			w.do("D", "x")
			w.do("C", "x")
			w.do("D", "x")
			w.stands(runID, "a SUCCESS", "b SUCCESS", "c SUCCESS", "d SUCCESS*2")
		}},
	}
}
