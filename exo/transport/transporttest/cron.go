package transporttest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// scheduled writes a graph with cron triggers and gives the time, by the clock
// of the state manager.
func (w *world) scheduled(triggers ...transport.CronTrigger) time.Time {
	w.t.Helper()
	w.serve("A")
	g := w.spec(step("A", "as written"))
	g.Triggers = triggers
	status := w.put("graph", g)
	if status.Status != transport.Valid {
		w.t.Fatalf("the graph is %s: %q", status.Status, status.Errors)
	}
	return status.UpdatedAt
}

func (w *world) runs() int {
	w.t.Helper()
	p, err := w.tr.Runs(w.ctx(), 1, 100)
	w.ok(err)
	return p.Total
}

// cronRules is §12.
func cronRules() []rule {
	everyMinute := transport.CronTrigger{Expression: "* * * * *"}
	return []rule{
		{name: "§12 cron: triggers a run, with the graph's inputs, at every match", run: func(w *world) {
			w.needsVirtualTime()
			now := w.scheduled(everyMinute)
			w.none("A")
			w.pass(now.Truncate(time.Minute).Add(time.Minute + slack).Sub(now))
			if got := input(w.one("A")); got != "as written" {
				w.t.Errorf("the root reads %q", got)
			}
			for range 3 {
				w.pass(time.Minute)
				w.one("A")
			}
			if n := w.runs(); n != 4 {
				w.t.Errorf("%d runs", n)
			}
		}},
		{name: "§12 cron: each of several triggers", run: func(w *world) {
			w.needsVirtualTime()
			now := w.scheduled(everyMinute, transport.CronTrigger{Expression: "*/1 * * * *"})
			w.pass(now.Truncate(time.Minute).Add(time.Minute + slack).Sub(now))
			if n := w.runs(); n != 2 {
				w.t.Errorf("%d runs", n)
			}
		}},
		{name: "§12 cron: an upsert replaces the triggers", run: func(w *world) {
			w.needsVirtualTime()
			w.scheduled(everyMinute)
			w.scheduled()
			w.pass(3 * time.Minute)
			if n := w.runs(); n != 0 {
				w.t.Errorf("%d runs", n)
			}
		}},
		{name: "§12 cron: in the trigger's timezone, and otherwise in UTC", run: func(w *world) {
			w.needsVirtualTime()
			const zone = "Asia/Kolkata" // UTC+5:30 all year
			kolkata := time.FixedZone(zone, 5*3600+1800)
			daily := func(t time.Time, zone string) transport.CronTrigger {
				return transport.CronTrigger{Expression: fmt.Sprintf("%d %d * * *", t.Minute(), t.Hour()), Timezone: zone}
			}
			now := w.scheduled()
			at := now.Truncate(time.Minute).Add(5 * time.Minute)
			w.scheduled(daily(at.In(kolkata), zone), daily(at.Add(time.Hour).UTC(), ""), daily(at.Add(2*time.Hour).UTC(), "UTC"))
			w.pass(at.Add(-slack).Sub(now))
			w.none("A")
			w.pass(2 * slack)
			w.one("A")
			w.none("A")
			for range 2 {
				w.pass(time.Hour)
				w.one("A")
			}
		}},
		{name: "§12 cron: a timezone that there is not is 422", run: func(w *world) {
			w.serve("A")
			g := w.spec(step("A", "v"))
			g.Triggers = []transport.CronTrigger{{Expression: "* * * * *", Timezone: "Mars/Olympus"}}
			_, err := w.tr.PutGraph(w.ctx(), "graph", g)
			w.refused(err, http.StatusUnprocessableEntity, "")
		}},
		{name: "§12 triggers can be cancelled", run: func(w *world) {
			canceler := ability[transport.TriggerCanceler](w)
			w.scheduled(everyMinute, transport.CronTrigger{Expression: "0 9 * * 1-5"})
			n, err := canceler.CancelTriggers(w.ctx(), "graph")
			w.ok(err)
			again, err := canceler.CancelTriggers(w.ctx(), "graph")
			w.ok(err)
			if n != 2 || again != 0 {
				w.t.Errorf("cancelled %d, and then %d", n, again)
			}
			_, err = canceler.CancelTriggers(w.ctx(), "unknown")
			w.refused(err, http.StatusNotFound, "")
			w.trigger(transport.TriggerSpec{}) // the graph is there
			if w.virtual {
				w.pass(3 * time.Minute)
			}
			if n := w.runs(); n != 1 {
				w.t.Errorf("%d runs", n)
			}
		}},
	}
}
