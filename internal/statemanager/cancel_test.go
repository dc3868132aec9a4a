package statemanager_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestCancelRun(t *testing.T) {
	t.Parallel()
	b, run := fanned(t, statemanager.Options{}, allSuccess)
	reported := b.claim("work")
	b.report(reported, outputs("x"))
	claimed := b.leased(time.Minute)
	b.now = b.now.Add(time.Second)
	if err := b.CancelRun(b.now, "ns", run); err != nil {
		t.Fatal(err)
	}
	b.wantStory(run, "root:SUCCESS split:SUCCESS×3 work:SUCCESS work:CANCELLED×2")
	b.wantStatus(run, transport.RunCancelled)
	b.idle()
	if atRest, err := b.AtRest("ns", run); !atRest || err != nil {
		t.Errorf("at rest: %t, %v", atRest, err)
	}
	if i := b.info(run); i.Pending != 0 || i.Total != 7 {
		t.Errorf("the run is %+v", i)
	}
	_, err := b.tell(claimed, outputs("x"))
	wantError(t, err, http.StatusConflict, "Run is cancelled")
	b.report(reported, outputs("x")) // the same as before is still answered
	if lost := b.Heartbeat(b.now, "ns", map[string]string{claimed.ID: claimed.Token}, time.Minute); len(lost) != 1 {
		t.Errorf("lost %v", lost)
	}
	if _, ok := b.NextEvent(); ok {
		t.Error("the lease still counts")
	}
	if err := b.CancelRun(b.now, "ns", run); err != nil {
		t.Errorf("cancelled again: %v", err)
	}
	if err := statemanager.Check(b.Engine); err != nil {
		t.Error(err)
	}
}

func TestCancelRunAtRest(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	run := b.run()
	b.drain()
	wantError(t, b.CancelRun(b.now, "ns", run), http.StatusConflict, "Run is not pending")
	b.wantStatus(run, transport.RunSuccess)
}

// States of cancelled runs do not stay in queues, nor stand in the way there.
func TestCancelledStatesLeaveTheirQueue(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{KeepRuns: 1})
	b.steps(step("split", "work"), step("work"))
	for range 20 {
		run := b.run()
		b.do("split", outputs(make([]string, 100)...))
		if err := b.CancelRun(b.now, "ns", run); err != nil {
			t.Fatal(err)
		}
	}
	if states, runs, _, waiting := statemanager.Retained(b.Engine); runs != 1 || states != 200 || waiting != 0 {
		t.Errorf("%d states of %d runs are kept, %d in queues", states, runs, waiting)
	}
	kept := b.run()
	gone := b.trigger("g", transport.TriggerSpec{})
	late := b.trigger("g", transport.TriggerSpec{})
	if err := b.CancelRun(b.now, "ns", gone); err != nil {
		t.Fatal(err)
	}
	for _, run := range []string{kept, late} {
		if s := b.claim("split"); s.RunID != run {
			t.Errorf("claimed a state of %s, want %s", s.RunID, run)
		}
	}
	b.idle()
}
