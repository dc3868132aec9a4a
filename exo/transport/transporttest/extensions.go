package transporttest

import (
	"net/http"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// stored begins a run of two steps and claims the first.
func (w *world) stored() (transport.StoreBackend, transport.Claimed) {
	w.t.Helper()
	w.needs(transport.ExtensionStore)
	w.serve("A", "B")
	g := w.spec(step("A", "v", "b"), step("B", "${{ store.given }} ${{ store.default }}"))
	g.Store = transport.StoreConfig{RequiredKeys: []string{"given"}, DefaultValues: map[string]string{"default": "D"}}
	w.valid("graph", g)
	w.trigger(transport.TriggerSpec{Store: map[string]string{"given": "G", "own": "O"}})
	return ability[transport.StoreBackend](w), w.one("A")
}

// has wants the value of a key, or that there is none.
func (w *world) has(store transport.StoreBackend, s transport.Claimed, key, want string, wantOK bool) {
	w.t.Helper()
	got, ok, err := store.StoreGet(w.ctx(), s.ID, key)
	w.ok(err)
	if got != want || ok != wantOK {
		w.t.Errorf("%s is %q, %v, want %q, %v", key, got, ok, want, wantOK)
	}
}

// storeRules is §13, store.
func storeRules() []rule {
	return []rule{
		{name: "§13 store: begins with defaults and what the trigger gave", run: func(w *world) {
			store, s := w.stored()
			got, err := store.StoreAll(w.ctx(), s.ID)
			w.ok(err)
			w.equal("store", got, map[string]string{"given": "G", "default": "D", "own": "O"})
		}},
		{name: "§13 store: set, get, delete", run: func(w *world) {
			store, s := w.stored()
			for _, key := range []string{"new", "given", "a key with: ?#%é", "dotted.key", "name/of one/item"} {
				for _, value := range []string{"", "v", "\x00\n\"é😀"} {
					w.ok(store.StoreSet(w.ctx(), s.ID, key, value))
					w.has(store, s, key, value, true)
				}
				w.ok(store.StoreDelete(w.ctx(), s.ID, key))
				w.has(store, s, key, "", false)
				w.ok(store.StoreDelete(w.ctx(), s.ID, key))
			}
			w.has(store, s, "default", "D", true)
		}},
		{name: "§13 store: swap, only for the value it has", run: func(w *world) {
			store, s := w.stored()
			swap := func(key string, old *string, value string, want bool) {
				w.t.Helper()
				swapped, err := store.StoreSwap(w.ctx(), s.ID, key, old, value)
				w.ok(err)
				if swapped != want {
					w.t.Errorf("swapped %v, want %v", swapped, want)
				}
			}
			g, other, empty := "G", "other", ""
			swap("given", nil, "x", false)
			swap("given", &other, "x", false)
			w.has(store, s, "given", "G", true)
			swap("given", &g, "x", true)
			w.has(store, s, "given", "x", true)
			swap("new", &empty, "x", false)
			w.has(store, s, "new", "", false)
			swap("new", nil, "", true)
			w.has(store, s, "new", "", true)
			swap("new", nil, "x", false)
			swap("new", &empty, "x", true)
		}},
		{name: "§13 store: is that of the run, and read by what comes later", run: func(w *world) {
			store, s := w.stored()
			w.trigger(transport.TriggerSpec{Store: map[string]string{"given": "other"}})
			other := w.one("A")
			w.ok(store.StoreSet(w.ctx(), s.ID, "given", "written"))
			w.has(store, other, "given", "other", true)
			w.end(s, executed("1", "2"))
			for _, b := range w.claim(2, "B") {
				if got := input(b); got != "written D" {
					w.t.Errorf("what comes later reads %q", got)
				}
				w.has(store, b, "given", "written", true)
			}
		}},
		{name: "§13 store: without the key that a placeholder names, the state cannot be made", run: func(w *world) {
			store, s := w.stored()
			w.ok(store.StoreDelete(w.ctx(), s.ID, "given"))
			w.end(s, executed("x"))
			w.none("B")
		}},
		{name: "§13 store: of an unknown state is 404", run: func(w *world) {
			store, _ := w.stored()
			_, err := store.StoreAll(w.ctx(), unknownID)
			w.refused(err, http.StatusNotFound, "State not found")
			_, _, err = store.StoreGet(w.ctx(), unknownID, "k")
			w.refused(err, http.StatusNotFound, "State not found")
			w.refused(store.StoreSet(w.ctx(), unknownID, "k", "v"), http.StatusNotFound, "State not found")
			_, err = store.StoreSwap(w.ctx(), unknownID, "k", nil, "v")
			w.refused(err, http.StatusNotFound, "State not found")
			w.refused(store.StoreDelete(w.ctx(), unknownID, "k"), http.StatusNotFound, "State not found")
		}},
		{name: "§13 store: a key without a name is refused", run: func(w *world) {
			store, s := w.stored()
			if err := store.StoreSet(w.ctx(), s.ID, "", "v"); err == nil {
				w.t.Error("taken")
			}
		}},
	}
}

// extensionRules is the rest of §13.
func extensionRules() []rule { //nolint:gocognit // a table of rules, each short
	return []rule{
		{name: "§13 attempt: claims tell graph, run and attempt", run: func(w *world) {
			w.needs(transport.ExtensionAttempt)
			runID := w.retried(transport.RetryPolicy{MaxRetries: 2, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			for attempt := range 3 {
				s := w.one("A")
				if s.Graph != "graph" || s.RunID != runID || s.Attempt != attempt {
					w.t.Errorf("attempt %d: %+v", attempt, s)
				}
				w.fail(s)
				w.until(time.Millisecond)
			}
		}},
		{name: "§13 report: a failure that is permanent is not retried", run: func(w *world) {
			w.needs(transport.ExtensionReport)
			w.serve("A")
			g := w.spec(step("A", "v"))
			g.Retry.MaxRetries = 5
			w.valid("graph", g)
			for range 3 { // one report, and then two at once
				w.trigger(transport.TriggerSpec{})
			}
			states := w.claim(3, "A")
			permanent := transport.Errored{Message: "boom", Permanent: true}
			w.end(states[0], permanent)
			errs := w.tr.Report(w.ctx(), []transport.Report{
				{StateID: states[1].ID, Token: states[1].Token, Outcome: permanent}, {StateID: states[2].ID, Token: states[2].Token, Outcome: permanent},
			})
			w.equal("errors", len(errs), 0)
			w.until(time.Millisecond)
			w.none("A")
			p, err := w.tr.Runs(w.ctx(), 1, 10)
			w.ok(err)
			for _, r := range p.Runs {
				w.comesTo(r.ID, transport.RunFailed)
			}
		}},
		{name: "§13 report: a failure marked permanent is retried by those who have not heard of it", run: func(w *world) {
			if w.has13(transport.ExtensionReport) {
				w.t.Skip("the state manager knows permanent failures")
			}
			runID := w.retried(transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			permanent := transport.Errored{Message: "boom", Permanent: true}
			w.end(w.one("A"), permanent)
			w.until(time.Millisecond)
			w.stands(runID, "a RETRY_CREATED", "a CREATED")
			states := w.claim(1, "A")
			other := w.trigger(transport.TriggerSpec{})
			states = append(states, w.one("A"))
			errs := w.tr.Report(w.ctx(), []transport.Report{ // two at once
				{StateID: states[0].ID, Token: states[0].Token, Outcome: permanent}, {StateID: states[1].ID, Token: states[1].Token, Outcome: permanent},
			})
			w.equal("errors", len(errs), 0)
			w.until(time.Millisecond)
			w.stands(runID, "a RETRY_CREATED", "a ERRORED")
			w.stands(other, "a RETRY_CREATED", "a CREATED")
		}},
		{name: "§13 run: as in the list, with its states in full, in order of creation", run: func(w *world) {
			w.needs(transport.ExtensionRun)
			reader := ability[transport.RunReader](w)
			w.serve("A", "B")
			runID := w.begin(step("A", "v", "b"), step("B", "${{ a.outputs.out }}"))
			w.do("A", "1", "2")
			w.fail(w.claim(2, "B")[0])
			info, states, err := reader.Run(w.ctx(), runID, 0)
			w.ok(err)
			w.equal("run", info, w.info(runID))
			w.equal("states", len(states), 4)
			for i, s := range states {
				w.equal("state", s, w.detail(runID, s.ID))
				if i > 0 && s.CreatedAt.Before(states[i-1].CreatedAt) {
					w.t.Errorf("state %d was made before state %d", i, i-1)
				}
			}
			w.equal("first", states[0].Identifier, "a")
			w.equal("last", states[3].Identifier, "b")
		}},
		{name: "§13 run: in numbers, as in the list", run: func(w *world) {
			w.needs(transport.ExtensionRun)
			reader := ability[transport.RunReader](w)
			w.serve("A", "B")
			runID := w.begin(step("A", "v", "b"), step("B", "v"))
			same := func() {
				w.t.Helper()
				info, err := reader.RunInfo(w.ctx(), runID)
				w.ok(err)
				w.equal("run", info, w.info(runID))
			}
			same()
			w.do("A", "1", "2")
			for _, s := range w.claim(2, "B") {
				same()
				w.finish(s)
			}
			same()
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§13 run: unknown is 404", run: func(w *world) {
			w.needs(transport.ExtensionRun)
			const unknown = "7bc303fb-552d-4a0b-81bb-ebb94878e82e"
			_, _, err := ability[transport.RunReader](w).Run(w.ctx(), unknown, 0)
			w.refused(err, http.StatusNotFound, "")
			_, err = ability[transport.RunReader](w).RunInfo(w.ctx(), unknown)
			w.refused(err, http.StatusNotFound, "")
		}},
		{name: "§13 cancel: ends what is pending", run: func(w *world) {
			w.needs(transport.ExtensionCancel)
			canceler := ability[transport.Canceler](w)
			w.serve("A", "B")
			runID := w.begin(step("A", "v", "b"), step("B", "v"))
			w.do("A", "1", "2", "3")
			other := w.trigger(transport.TriggerSpec{})
			claimed := w.ask(transport.ClaimRequest{Nodes: []string{"B"}, Max: 1})[0]
			w.ok(canceler.CancelRun(w.ctx(), runID))
			w.none("B")
			w.stands(runID, "a SUCCESS*3", "b CANCELLED*3")
			w.comesTo(runID, transport.RunCancelled)
			for _, o := range outcomes() {
				w.refused(w.tell(claimed, o), http.StatusConflict, "")
			}
			w.stands(runID, "a SUCCESS*3", "b CANCELLED*3")
			w.ok(canceler.CancelRun(w.ctx(), runID)) // changes nothing
			w.comesTo(other, transport.RunPending)
			w.one("A")
		}},
		{name: "§13 cancel: loses leases", run: func(w *world) {
			w.needs(transport.ExtensionCancel)
			runID, s := w.leased()
			w.ok(ability[transport.Canceler](w).CancelRun(w.ctx(), runID))
			w.equal("lost", w.beat(map[string]string{s.ID: s.Token}), []string{s.ID})
			w.until(lease)
			w.stands(runID, "a CANCELLED")
		}},
		{name: "§13 cancel: no join runs any more", run: func(w *world) {
			w.needs(transport.ExtensionCancel)
			runID, _, works := w.fan(w.fanned(transport.AllDone), "1", "2")
			w.finish(works[0])
			w.ok(ability[transport.Canceler](w).CancelRun(w.ctx(), runID))
			w.none("Join")
			w.stands(runID, "root SUCCESS", "split SUCCESS*2", "work SUCCESS", "work CANCELLED")
		}},
		{name: "§13 cancel: of a terminal run is 409, of an unknown one 404", run: func(w *world) {
			w.needs(transport.ExtensionCancel)
			canceler := ability[transport.Canceler](w)
			w.serve("A")
			runID := w.begin(step("A", "v"))
			w.do("A", "x")
			w.refused(canceler.CancelRun(w.ctx(), runID), http.StatusConflict, "")
			w.refused(canceler.CancelRun(w.ctx(), "7bc303fb-552d-4a0b-81bb-ebb94878e82e"), http.StatusNotFound, "")
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§13 collect: a join reads the outputs of its branches, in the order of the fan-out", run: func(w *world) {
			w.needs(transport.ExtensionCollect)
			g := w.fanned(transport.AllDone)
			g.Nodes[3].Inputs["in"] = "${{ work.outputs.out }} of ${{ root.outputs.out }}"
			_, _, works := w.fan(g, "1", "2", "3", "4")
			w.end(works[3], executed(`d "quoted" é`))
			w.fail(works[1])
			w.end(works[2], executed("c"))
			w.end(works[0], executed("a"))
			if got, want := input(w.one("Join")), `["a","c","d \"quoted\" é"] of R`; got != want {
				w.t.Errorf("the join reads %s, want %s", got, want)
			}
		}},
		{name: "§13 collect: lists line up, also after a retry", run: func(w *world) {
			w.needs(transport.ExtensionCollect)
			g := w.fanned(transport.AllSuccess, step("Last", "${{ work.outputs.out }}", "join"))
			g.Retry = &transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1}
			g.Nodes[2].Next = []string{"last"}
			g.Nodes[3].Inputs["in"] = "${{ split.outputs.out }} ${{ work.outputs.out }} ${{ last.outputs.out }}"
			_, _, works := w.fan(g, "1", "2", "3")
			for _, i := range []int{2, 1} { // the last is done first
				w.end(works[i], executed("w"+input(works[i])))
			}
			w.fail(works[0])
			w.until(time.Millisecond)
			s := w.one("Work")
			w.end(s, executed("w"+input(s)))
			ups := w.claim(3, "Last")
			w.fail(ups[0])
			w.end(ups[2], executed("u"+input(ups[2])))
			w.end(ups[1], executed("u"+input(ups[1])))
			w.until(time.Millisecond)
			s = w.one("Last")
			w.end(s, executed("u"+input(s)))
			if got, want := input(w.one("Join")), `["1","2","3"] ["w1","w2","w3"] ["uw1","uw2","uw3"]`; got != want {
				w.t.Errorf("the join reads %s, want %s", got, want)
			}
		}},
		{name: "§13 collect: lists of branches have an entry for each", run: func(w *world) {
			w.needs(transport.ExtensionCollect)
			g := w.fanned(transport.AllDone, step("Last", "${{ work.outputs.out }}", "join"))
			g.Nodes[2].Next = []string{"last"}
			g.Nodes[3].Inputs["in"] = "${{ work.branches.out }} ${{ last.branches.out }}"
			_, _, works := w.fan(g, "1", "2", "3", "4")
			w.end(works[3], executed(`d "quoted" é`))
			w.end(works[2], transport.Pruned{})
			w.end(works[1], transport.Errored{Message: "broken", Permanent: true})
			w.end(works[0], executed("a"))
			for _, s := range w.claim(2, "Last") {
				if input(s) == "a" {
					w.end(s, executed("A"))
				} else {
					w.end(s, transport.Errored{Message: "late", Permanent: true})
				}
			}
			const between = `,{"index":1,"step":"work","status":"ERRORED","error":"broken"},{"index":2,"step":"work","status":"PRUNED"},`
			want := `[{"index":0,"step":"work","status":"SUCCESS","value":"a"}` + between + `{"index":3,"step":"work","status":"SUCCESS","value":"d \"quoted\" é"}]` +
				` [{"index":0,"step":"last","status":"SUCCESS","value":"A"}` + between + `{"index":3,"step":"last","status":"ERRORED","error":"late"}]`
			if got := input(w.one("Join")); got != want {
				w.t.Errorf("the join reads\n%s\nwant\n%s", got, want)
			}
		}},
		{name: "§13 collect: of no branches is an empty list", run: func(w *world) {
			w.needs(transport.ExtensionCollect)
			g := w.fanned(transport.AllDone)
			g.Nodes[3].Inputs["in"] = "${{ work.outputs.out }}"
			_, _, works := w.fan(g, "1")
			w.end(works[0], transport.Pruned{})
			if got := input(w.one("Join")); got != "[]" {
				w.t.Errorf("the join reads %s", got)
			}
		}},
	}
}
