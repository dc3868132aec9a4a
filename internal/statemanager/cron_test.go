package statemanager_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// started is when the runs of a namespace were created, oldest first.
func (b *bed) started(graph string) (times []string) {
	b.t.Helper()
	p, err := b.Runs("ns", 1, 1000)
	if err != nil {
		b.t.Fatalf("Runs: %v", err)
	}
	for _, r := range slices.Backward(p.Runs) {
		if r.Graph == graph {
			times = append(times, r.CreatedAt.Format("15:04:05"))
		}
	}
	return times
}

func (b *bed) cron(name string, triggers ...transport.CronTrigger) {
	b.t.Helper()
	b.graph(name, transport.GraphSpec{Nodes: []transport.Placement{step("a")}, Triggers: triggers})
}

// advanceTo goes from event to event, as a clock would.
func (b *bed) advanceTo(end time.Time) {
	for {
		at, ok := b.NextEvent()
		if !ok || at.After(end) {
			b.now = end
			b.Advance(end)
			return
		}
		b.now = at
		b.Advance(at)
	}
}

func TestCron(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{}) // it is 03:04:05, a Friday
	b.cron("g", transport.CronTrigger{Expression: "*/10 * * * *"}, transport.CronTrigger{Expression: "15 4 * * *", Timezone: "Europe/Berlin"})
	b.advanceTo(epoch.Add(40 * time.Minute))
	want := []string{"03:10:00", "03:15:00", "03:20:00", "03:30:00", "03:40:00"}
	if diff := cmp.Diff(want, b.started("g")); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	b.claim("a") // they are runs like others
}

// Times that have passed unnoticed are skipped but for the last.
func TestCronSkipsWhatWasMissed(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.cron("g", transport.CronTrigger{Expression: "* * * * *"})
	b.now = epoch.Add(10 * time.Minute)
	b.Advance(b.now)
	b.Advance(b.now)
	if at, ok := b.NextEvent(); !ok || at.Format("15:04:05") != "03:15:00" {
		t.Errorf("next event at %s, %t", at, ok)
	}
	b.now = b.now.Add(55 * time.Second)
	b.claim("a") // any call moves time on
	if diff := cmp.Diff([]string{"03:14:05", "03:15:00"}, b.started("g")); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestCronIsReplaced(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.cron("g", transport.CronTrigger{Expression: "5 * * * *"}, transport.CronTrigger{Expression: "6 * * * *"})
	b.cron("g", transport.CronTrigger{Expression: "7 * * * *"})
	b.advanceTo(epoch.Add(30 * time.Minute))
	if diff := cmp.Diff([]string{"03:07:00"}, b.started("g")); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	b.cron("g")
	if at, ok := b.NextEvent(); ok {
		t.Errorf("there is an event at %s", at)
	}
	b.cron("earlier", transport.CronTrigger{Expression: "* * * * *"})
	for range 1000 { // replaced triggers do not pile up
		b.cron("g", transport.CronTrigger{Expression: "0 0 1 1 *"})
	}
	if n := statemanager.CronEntries(b.Engine); n > 4 {
		t.Errorf("%d triggers are kept, want at most 4", n)
	}
}

// An invalid graph, or one whose store needs a key, is not run.
func TestCronOfAGraphThatCannotRun(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("key", transport.GraphSpec{
		Nodes: []transport.Placement{step("a")},
		Store: transport.StoreConfig{RequiredKeys: []string{"k"}}, Triggers: []transport.CronTrigger{{Expression: "* * * * *"}},
	})
	if _, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{
		Nodes:    []transport.Placement{{Node: "Late", Namespace: "ns", Identifier: "a"}},
		Triggers: []transport.CronTrigger{{Expression: "* * * * *"}},
	}); err != nil {
		t.Fatal(err)
	}
	b.advanceTo(epoch.Add(2 * time.Minute))
	b.register("ns", node("Late"))
	b.advanceTo(epoch.Add(4 * time.Minute))
	if diff := cmp.Diff([]string{"03:07:00", "03:08:00"}, b.started("g")); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if got := b.started("key"); got != nil {
		t.Errorf("the graph that needs a key was run at %v", got)
	}
}

func TestCancelTriggers(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.cron("g", transport.CronTrigger{Expression: "* * * * *"}, transport.CronTrigger{Expression: "* * * * *"})
	for _, other := range []string{"other", "more", "most"} {
		b.cron(other, transport.CronTrigger{Expression: "* * * * *"})
	}
	for _, want := range []int{2, 0} {
		if n, err := b.CancelTriggers(b.now, "ns", "g"); n != want || err != nil {
			t.Errorf("cancelled %d, %v, want %d", n, err, want)
		}
	}
	if s, err := b.Graph("ns", "g"); err != nil || len(s.Triggers) != 0 {
		t.Errorf("the graph has the triggers %v, %v", s.Triggers, err)
	}
	b.advanceTo(epoch.Add(time.Minute))
	if b.started("g") != nil || len(b.started("other")) != 1 {
		t.Errorf("runs at %v and %v", b.started("g"), b.started("other"))
	}
	for ns, name := range map[string]string{"ns": "nope", "nowhere": "g"} {
		_, err := b.CancelTriggers(b.now, ns, name)
		wantError(t, err, http.StatusNotFound, "Graph template "+name+" not found in namespace "+ns)
	}
}

// What is due at one time happens in its order: leases end, then triggers fire.
func TestEventsInOrder(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.cron("g", transport.CronTrigger{Expression: "* * * * *"})
	first := b.run()
	b.leased(20 * time.Second)
	second := b.run()
	b.leased(80 * time.Second)
	var events []string
	for range 4 {
		at, _ := b.NextEvent()
		b.now = at
		b.Advance(at)
		events = append(events, at.Format("04:05"))
	}
	if diff := cmp.Diff([]string{"04:25", "05:00", "05:25", "06:00"}, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	b.wantStory(first, "a:RETRY_CREATED a:CREATED")
	b.wantStory(second, "a:RETRY_CREATED a:CREATED")
}
