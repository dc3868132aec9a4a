package transporttest

import (
	"net/http"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// namespaceRules is the row of §14 about namespaces: whatever is asked about a
// state or a run by another namespace, it is not there.
func namespaceRules() []rule {
	// begun is a run with a state under claim.
	begun := func(w *world) (other *world, runID string, s transport.Claimed) {
		w.t.Helper()
		w.serve("A")
		runID = w.begin(step("A", "v"))
		other = w.beside()
		other.serve("A")
		other.valid("graph", other.spec(step("A", "v")))
		return other, runID, w.one("A")
	}
	all := []rule{
		{name: "§14 namespaces: a claim brings only the states of its own", run: func(w *world) {
			w.serve("A")
			w.begin(step("A", "v"))
			other := w.beside()
			other.serve("A")
			other.none("A")
			w.one("A")
		}},
		{name: "§14 namespaces: runs are those there alone", run: func(w *world) {
			other, _, _ := begun(w)
			w.equal("runs", other.runs(), 0)
			w.equal("runs", w.runs(), 1)
		}},
	}
	for name, o := range outcomes() {
		all = append(all, rule{name: "§14 namespaces: " + name + " from another is 404", run: func(w *world) {
			other, runID, s := begun(w)
			w.refused(other.tell(s, o), http.StatusNotFound, "State not found")
			errs := other.tr.Report(w.ctx(), []transport.Report{{StateID: s.ID, Outcome: o}, {StateID: s.ID, Outcome: o}})
			w.equal("errors", len(errs), 2)
			for _, err := range errs {
				w.refused(err, http.StatusNotFound, "State not found")
			}
			w.stands(runID, "a QUEUED")
		}})
	}
	for name, ask := range map[string]func(w *world, runID string, s transport.Claimed) error{
		"secrets":      func(w *world, _ string, s transport.Claimed) error { return second(w.tr.Secrets(w.ctx(), s.ID)) },
		"manual retry": func(w *world, _ string, s transport.Claimed) error { return second(w.tr.Retry(w.ctx(), s.ID, "f")) },
		"state detail": func(w *world, runID string, s transport.Claimed) error {
			return second(w.tr.State(w.ctx(), "graph", runID, s.ID))
		},
		"store": func(w *world, _ string, s transport.Claimed) error {
			w.needs(transport.ExtensionStore)
			return second(ability[transport.StoreBackend](w).StoreAll(w.ctx(), s.ID))
		},
		"store get": func(w *world, _ string, s transport.Claimed) error {
			w.needs(transport.ExtensionStore)
			_, _, err := ability[transport.StoreBackend](w).StoreGet(w.ctx(), s.ID, "k")
			return err
		},
		"store set": func(w *world, _ string, s transport.Claimed) error {
			w.needs(transport.ExtensionStore)
			return ability[transport.StoreBackend](w).StoreSet(w.ctx(), s.ID, "k", "v")
		},
		"store swap": func(w *world, _ string, s transport.Claimed) error {
			w.needs(transport.ExtensionStore)
			return second(ability[transport.StoreBackend](w).StoreSwap(w.ctx(), s.ID, "k", nil, "v"))
		},
		"store delete": func(w *world, _ string, s transport.Claimed) error {
			w.needs(transport.ExtensionStore)
			return ability[transport.StoreBackend](w).StoreDelete(w.ctx(), s.ID, "k")
		},
		"run": func(w *world, runID string, _ transport.Claimed) error {
			w.needs(transport.ExtensionRun)
			_, _, err := ability[transport.RunReader](w).Run(w.ctx(), runID, time.Millisecond)
			return err
		},
		"cancel run": func(w *world, runID string, _ transport.Claimed) error {
			w.needs(transport.ExtensionCancel)
			return ability[transport.Canceler](w).CancelRun(w.ctx(), runID)
		},
		"run graph": func(w *world, runID string, _ transport.Claimed) error { return second(w.tr.RunGraph(w.ctx(), runID)) },
	} {
		all = append(all, rule{name: "§14 namespaces: " + name + " from another is 404", run: func(w *world) {
			other, runID, s := begun(w)
			w.refused(ask(other, runID, s), http.StatusNotFound, "")
			w.stands(runID, "a QUEUED")
		}})
	}
	return all
}

func second(_ any, err error) error { return err }
