package statemanager_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func (b *bed) again(id, fanoutID string, force bool) string {
	b.t.Helper()
	created, err := b.Retry(b.now, "ns", id, fanoutID, force)
	if err != nil {
		b.t.Fatalf("Retry: %v", err)
	}
	return created
}

func TestManualRetry(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{step("a", "b"), with(step("b"), "${{ a.outputs.o }}")}, Retry: retries(1)})
	run := b.run()
	b.do("a", outputs("in"))
	b.do("b", transport.Errored{})
	b.now = b.now.Add(time.Second)
	s := b.do("b", transport.Errored{Message: "boom"})
	b.wantStatus(run, transport.RunFailed)

	id := b.again(s.ID, "f1", false)
	b.wantStory(run, "a:SUCCESS b:RETRY_CREATED×2 b:CREATED")
	b.wantStatus(run, transport.RunPending)
	_, err := b.Retry(b.now, "ns", s.ID, "f1", false)
	wantError(t, err, http.StatusConflict, "Duplicate retry state detected")
	_, err = b.Retry(b.now, "ns", s.ID, "f2", false)
	wantError(t, err, http.StatusBadRequest, "State has been retried already: retry the state that took over")

	// Due at once, with the same inputs, and all retries.
	again := b.claim("b")
	if again.ID != id || again.Attempt != 0 || string(again.Inputs) != `{"a":"in"}` {
		t.Errorf("the new state is %+v", again)
	}
	_, err = b.Retry(b.now, "ns", again.ID, "f2", false)
	wantError(t, err, http.StatusBadRequest, "State is still pending")
	if r := b.report(again, transport.Errored{}); !r.RetryCreated {
		t.Error("retries are not counted from 0")
	}
	b.now = b.now.Add(time.Second)
	s = b.do("b", transport.Errored{})
	_, err = b.Retry(b.now, "ns", s.ID, "f1", false)
	wantError(t, err, http.StatusConflict, "Duplicate retry state detected")
	b.again(s.ID, "", false) // an id like any other
	b.do("b", outputs("x"))
	b.wantStatus(run, transport.RunSuccess)
}

func TestManualRetryRefuses(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a", "b"), step("b"))
	run := b.run()
	s := b.claim("a")
	for _, ns := range []string{"other", ""} {
		_, err := b.Retry(b.now, ns, s.ID, "x", true)
		wantError(t, err, http.StatusNotFound, "State not found")
	}
	_, err := b.Retry(b.now, "ns", "000000000000000000000000", "x", true)
	wantError(t, err, http.StatusNotFound, "State not found")
	_, err = b.Retry(b.now, "ns", s.ID, "x", true)
	wantError(t, err, http.StatusBadRequest, "State is still pending")
	b.report(s, outputs("x"))
	_, err = b.Retry(b.now, "ns", s.ID, "x", false)
	wantError(t, err, http.StatusBadRequest, "State is SUCCESS: to run it again takes force")
	p := b.do("b", transport.Pruned{})
	_, err = b.Retry(b.now, "ns", p.ID, "x", false)
	wantError(t, err, http.StatusBadRequest, "State is PRUNED: to run it again takes force")
	b.wantStory(run, "a:SUCCESS b:PRUNED")

	b.again(p.ID, "x", true)
	b.do("b", outputs("x"))
	b.wantStory(run, "a:SUCCESS b:RETRY_CREATED b:SUCCESS")
	b.wantStatus(run, transport.RunSuccess)

	// Of a cancelled run nothing is retried.
	run = b.run()
	b.do("a", outputs("x"))
	if err := b.CancelRun(b.now, "ns", run); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		_, err := b.Retry(b.now, "ns", b.last(run, id).ID, "x", true)
		wantError(t, err, http.StatusBadRequest, "Run is cancelled")
	}
}

// What could not go on is executed anew.
func TestManualRetryOfNextCreatedError(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a", "b"), with(step("b"), "${{ a.outputs.o }}"))
	run := b.run()
	s := b.do("a", transport.Executed{})
	b.again(s.ID, "x", false)
	b.do("a", outputs("o"))
	b.do("b", outputs("x"))
	b.wantStory(run, "a:RETRY_CREATED a:SUCCESS b:SUCCESS")
	b.wantStatus(run, transport.RunSuccess)
}

// A join that a failure has kept from running runs once the branch is mended.
func TestManualRetryMendsABranch(t *testing.T) {
	t.Parallel()
	b, run := fanned(t, statemanager.Options{}, allSuccess)
	b.do("work", outputs("x"))
	bad := b.do("work", transport.Errored{})
	worse := b.do("work", transport.Errored{})
	b.wantStatus(run, transport.RunFailed)
	b.again(bad.ID, "1", false)
	b.do("work", outputs("x"))
	b.idle() // another branch is still failed
	b.wantStatus(run, transport.RunFailed)
	b.again(worse.ID, "2", false)
	b.wantStatus(run, transport.RunPending)
	b.do("work", transport.Pruned{})
	b.do("join", outputs("x"))
	b.wantStatus(run, transport.RunSuccess)
}

// While a join waits, a branch that is retried is waited for.
func TestManualRetryWhileTheJoinWaits(t *testing.T) {
	t.Parallel()
	b, run := fanned(t, statemanager.Options{}, allDone)
	bad := b.do("work", transport.Errored{})
	b.do("work", outputs("x"))
	b.again(bad.ID, "1", false)
	b.do("work", outputs("x"))
	b.wantStatus(run, transport.RunPending)
	b.do("work", outputs("x")) // the retry
	b.do("join", outputs("x"))
	b.wantStatus(run, transport.RunSuccess)
}

// A join that has run does not run again.
func TestManualRetryAfterTheJoin(t *testing.T) {
	t.Parallel()
	b, run := fanned(t, statemanager.Options{}, allDone)
	bad := b.do("work", transport.Errored{})
	fine := b.do("work", outputs("x"))
	b.do("work", outputs("x"))
	b.do("join", outputs("x"))
	b.again(bad.ID, "1", false)
	b.again(fine.ID, "1", true)
	b.wantStatus(run, transport.RunPending)
	b.do("work", outputs("x"))
	b.do("work", outputs("x"))
	b.idle()
	b.wantStatus(run, transport.RunSuccess)
}

// A branch of an inner join that is mended wakes the outer joins as well.
func TestManualRetryInNestedJoins(t *testing.T) {
	t.Parallel()
	b, run := nested(t, allSuccess, allSuccess)
	parts := b.claimN(4)
	for _, p := range parts[1:] {
		b.report(p, outputs("x"))
	}
	b.report(parts[0], transport.Errored{})
	b.do("inner", outputs("x"))
	b.idle()
	b.wantStatus(run, transport.RunFailed)
	b.again(parts[0].ID, "1", false)
	b.do("part", outputs("x"))
	bad := b.do("inner", transport.Errored{}) // the join's own state fails, and is mended
	b.idle()
	b.again(bad.ID, "1", false)
	b.do("inner", outputs("x"))
	b.do("outer", outputs("x"))
	b.wantStatus(run, transport.RunSuccess)
}

// An anchor that is forced to run again is another anchor.
func TestManualRetryOfAnAnchor(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "work"), step("work", "join"), with(unite(step("join"), "root", allSuccess), "${{ work.outputs.o }}"))
	run := b.run()
	root := b.do("root", outputs("x"))
	b.do("work", outputs("first"))
	b.again(root.ID, "1", true)
	b.do("join", outputs("x"))
	b.do("root", outputs("x"))
	b.do("work", outputs("second"))
	if s := b.do("join", outputs("x")); string(s.Inputs) != `{"a":"[\"second\"]"}` {
		t.Errorf("the second join has the inputs %s", s.Inputs)
	}
	b.wantStory(run, "root:RETRY_CREATED work:SUCCESS join:SUCCESS root:SUCCESS work:SUCCESS join:SUCCESS")
}
