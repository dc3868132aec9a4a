package transporttest

import (
	"net/http"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// needsVersions skips the rule if the state manager announces no extensions.
func (w *world) needsVersions() {
	w.t.Helper()
	e, ok := w.tr.(transport.Extender)
	if !ok {
		w.t.Skip("the transport tells no extensions")
	}
	known, err := e.Extensions(w.ctx())
	w.ok(err)
	if len(known) == 0 {
		w.t.Skip("the state manager has no extensions, and so tells no versions")
	}
}

// replaced writes a graph of A that is valid, and one of B that is not, since
// no runtime has registered B.
func (w *world) replaced(triggers ...transport.CronTrigger) {
	w.t.Helper()
	w.needsVersions()
	w.serve("A")
	first := w.spec(step("A", "first"))
	first.Triggers = triggers
	w.valid("graph", first)
	w.versions(transport.Valid, 1, 1)
	w.put("graph", w.spec(step("B", "second")))
	w.versions(transport.Invalid, 2, 1)
}

// versions wants what is told of the graph that was written last.
func (w *world) versions(validation transport.ValidationStatus, version, serving int) {
	w.t.Helper()
	g, err := w.tr.Graph(w.ctx(), "graph")
	w.ok(err)
	if g.Status != validation || g.Version != version || g.ServingVersion != serving || (validation == transport.Invalid) != (len(g.Errors) > 0) {
		w.t.Errorf("version %d is %s (%q), and %d serves, want %d, %s, and %d",
			g.Version, g.Status, g.Errors, g.ServingVersion, version, validation, serving)
	}
}

// versionRules is §13, versions.
func versionRules() []rule {
	return []rule{
		{name: "§13 versions: an invalid graph does not take the place of a valid one", run: func(w *world) {
			w.replaced()
			w.trigger(transport.TriggerSpec{})
			w.equal("input", input(w.one("A")), "first")
			w.valid("graph", w.spec(step("A", "third")))
			w.versions(transport.Valid, 3, 3)
			w.trigger(transport.TriggerSpec{})
			w.equal("input", input(w.one("A")), "third")
		}},
		{name: "§13 versions: nodes that are registered decide which serves", run: func(w *world) {
			w.replaced()
			changed := node("A")
			changed.Secrets = []string{"key"} // which the graph does not have
			w.register(changed)
			w.versions(transport.Invalid, 2, 0)
			_, err := w.tr.Trigger(w.ctx(), "graph", transport.TriggerSpec{})
			w.refused(err, http.StatusBadRequest, "key")
			w.serve("A")
			w.versions(transport.Invalid, 2, 1)
			w.serve("B")
			w.versions(transport.Valid, 2, 2)
			w.trigger(transport.TriggerSpec{})
			w.equal("input", input(w.one("B")), "second")
			w.none("A")
		}},
		{name: "§13 versions: a trigger that is refused says why", run: func(w *world) {
			w.needsVersions()
			w.put("graph", w.spec(step("Unregistered", "v")))
			w.versions(transport.Invalid, 1, 0)
			_, err := w.tr.Trigger(w.ctx(), "graph", transport.TriggerSpec{})
			w.refused(err, http.StatusBadRequest, "Unregistered")
		}},
		{name: "§13 versions: cron is that of the version that serves", run: func(w *world) {
			w.needsVirtualTime()
			w.replaced(transport.CronTrigger{Expression: "* * * * *"})
			g, err := w.tr.Graph(w.ctx(), "graph")
			w.ok(err)
			now := g.UpdatedAt
			w.pass(now.Truncate(time.Minute).Add(time.Minute + slack).Sub(now))
			w.one("A")
			w.serve("B") // whose version has no triggers
			w.pass(3 * time.Minute)
			w.none("A", "B")
		}},
	}
}
