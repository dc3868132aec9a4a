package statemanager_test

import (
	"fmt"
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
	_, err := b.Retry(b.now, "ns", b.last(run, "a").ID, "x", false)
	wantError(t, err, http.StatusBadRequest, "State is still pending, and due at 2026-01-02T03:04:05Z: to replace it by one that is due now takes force")
	s := b.leased(time.Hour)
	for _, ns := range []string{"other", ""} {
		_, err := b.Retry(b.now, ns, s.ID, "x", true)
		wantError(t, err, http.StatusNotFound, "State not found")
	}
	_, err = b.Retry(b.now, "ns", "000000000000000000000000", "x", true)
	wantError(t, err, http.StatusNotFound, "State not found")
	_, err = b.Retry(b.now, "ns", s.ID, "x", false)
	wantError(t, err, http.StatusBadRequest, "State is still pending, under a lease until 2026-01-02T04:04:05Z: to take it from its worker takes force")
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

// A join that has run runs anew once its branches are done again, with what they
// came to. What it came to before stays to be read.
func TestManualRetryAfterTheJoin(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "split"), step("split", "work"), step("work", "join"),
		with(unite(step("join", "after"), "root", allDone), "${{ work.outputs.o }}"), step("after"))
	run := b.run()
	b.do("root", outputs("r"))
	b.do("split", outputs("0", "1", "2"))
	bad := b.do("work", transport.Errored{})
	fine := b.do("work", outputs("1"))
	b.do("work", outputs("2"))
	b.do("join", outputs("first"))
	after := b.do("after", transport.Errored{})
	b.wantStatus(run, transport.RunFailed)
	b.again(bad.ID, "1", false)
	b.wantStory(run, "root:SUCCESS split:SUCCESS×3 work:RETRY_CREATED work:SUCCESS×2 join:RETRY_CREATED after:RETRY_CREATED work:CREATED")
	if got := string(b.last(run, "join").Outputs); got != `{"o":"first"}` {
		t.Errorf("the join that does not count any more shows the outputs %s", got)
	}
	_, err := b.Retry(b.now, "ns", after.ID, "1", true)
	wantError(t, err, http.StatusBadRequest, "State does not count any more: what it followed from, or waited for, has been retried")
	b.again(fine.ID, "1", true)
	b.do("work", outputs("0 mended"))
	b.do("work", outputs("1 again"))
	if s := b.do("join", outputs("x")); string(s.Inputs) != `{"a":"[\"0 mended\",\"1 again\",\"2\"]"}` {
		t.Errorf("the join reads %s", s.Inputs)
	}
	b.do("after", outputs("x"))
	b.idle()
	b.wantStatus(run, transport.RunSuccess)
	if i := b.info(run); i.Success != 9 || i.Retried != 4 || i.Errored != 0 {
		t.Errorf("the run is %+v", i)
	}
}

// What is pending below a join that is to run anew is claimed no more, and what a
// worker has of it is lost.
func TestManualRetryWhileAJoinIsUnderWay(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "work"), step("work", "join"), unite(step("join", "after", "more"), "root", allDone), step("after"), step("more"))
	run := b.run()
	b.do("root", outputs("r"))
	bad := b.do("work", transport.Errored{})
	b.do("join", outputs("x"))
	after := b.leased(time.Hour)
	b.again(bad.ID, "1", false)
	b.wantStory(run, "root:SUCCESS work:RETRY_CREATED join:RETRY_CREATED after:RETRY_CREATED more:RETRY_CREATED work:CREATED")
	if lost := b.Heartbeat(b.now, "ns", map[string]string{after.ID: after.Token}, time.Hour); len(lost) != 1 {
		t.Error("the worker is not told that it has lost the state")
	}
	_, err := b.tell(after, outputs("x"))
	wantError(t, err, http.StatusConflict, "Lease lost")
	b.do("work", outputs("x"))
	b.do("join", outputs("x"))
	b.do("after", outputs("x"))
	b.do("more", outputs("x"))
	b.idle()
	b.wantStatus(run, transport.RunSuccess)
}

// All joins around the branch run anew, inner ones first, and of several on one
// anchor all that wait for it.
func TestManualRetryRunsOuterJoinsAnew(t *testing.T) {
	t.Parallel()
	b, run := nested(t, allDone, allDone)
	parts := b.claimN(4)
	for i, p := range parts {
		if i == 1 {
			b.report(p, transport.Errored{})
			continue
		}
		b.report(p, outputs(fmt.Sprint(i)))
	}
	b.do("inner", outputs("i1"))
	b.do("inner", outputs("i2"))
	b.do("outer", outputs("o"))
	b.wantStatus(run, transport.RunFailed)
	b.again(parts[1].ID, "1", false)
	b.do("part", outputs("1"))
	if s := b.do("inner", outputs("anew")); string(s.Inputs) != `{"a":"[\"0\",\"1\"]"}` {
		t.Errorf("the inner join reads %s", s.Inputs)
	}
	if s := b.do("outer", outputs("x")); string(s.Inputs) != `{"a":"[\"anew\",\"i2\"] [\"0\",\"1\",\"2\",\"3\"]"}` {
		t.Errorf("the outer join reads %s", s.Inputs)
	}
	b.idle()
	b.wantStatus(run, transport.RunSuccess)

	b.steps(step("root", "work"), step("work", "one", "two"), unite(step("one", "last"), "root", allDone),
		unite(step("two"), "root", allDone), unite(step("last"), "root", allDone))
	run = b.run()
	b.do("root", outputs("x"))
	bad := b.do("work", transport.Errored{})
	b.drain()
	b.again(bad.ID, "1", false)
	b.drain()
	b.wantStory(run, "root:SUCCESS work:RETRY_CREATED two:RETRY_CREATED one:RETRY_CREATED last:RETRY_CREATED work:SUCCESS two:SUCCESS one:SUCCESS last:SUCCESS")
	// The retry of a join is a branch of those that wait for it, not of its own.
	b.again(b.last(run, "one").ID, "1", true)
	b.drain()
	b.wantStory(run, "root:SUCCESS work:RETRY_CREATED two:RETRY_CREATED one:RETRY_CREATED last:RETRY_CREATED work:SUCCESS two:SUCCESS one:RETRY_CREATED last:RETRY_CREATED one:SUCCESS last:SUCCESS")
	b.wantStatus(run, transport.RunSuccess)
}

// A state that a worker has without a lease can be retried: the worker may be
// dead. What it reports after all is answered as if it were taken.
func TestManualRetryOfAStateUnderClaim(t *testing.T) {
	t.Parallel()
	for _, o := range []statemanager.Options{{}, {DefaultLease: time.Hour}} {
		b := newBed(t, o)
		b.steps(step("a", "b"), step("b"))
		run := b.run()
		s := b.claim("a")
		id := b.again(s.ID, "1", false)
		b.wantStory(run, "a:RETRY_CREATED a:CREATED")
		for _, o := range []transport.Outcome{outputs("x"), transport.Errored{Message: "no"}, transport.Pruned{}, transport.Requeued{After: 1}} {
			s.Token = ""
			b.report(s, o)
		}
		b.wantStory(run, "a:RETRY_CREATED a:CREATED")
		_, err := b.Report(b.now, "ns", transport.Report{StateID: id, Outcome: outputs("x")})
		wantError(t, err, http.StatusBadRequest, "State is not queued")
		b.drain()
		b.wantStory(run, "a:RETRY_CREATED a:SUCCESS b:SUCCESS")
		if err := statemanager.Check(b.Engine); err != nil {
			t.Error(err)
		}
	}
}

// Force takes a state from its worker, and has one that waits done at once.
func TestManualRetryByForce(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{step("a")}, Retry: retries(1)})
	run := b.run()
	s := b.leased(time.Hour)
	b.again(s.ID, "1", true)
	_, err := b.tell(s, outputs("x"))
	wantError(t, err, http.StatusConflict, "Lease lost")
	b.do("a", transport.Errored{})
	b.idle() // the retry is not due yet
	b.again(b.last(run, "a").ID, "2", true)
	if s := b.claim("a"); s.Attempt != 0 {
		t.Errorf("the new state is attempt %d", s.Attempt)
	}
	b.idle()
	b.wantStory(run, "a:RETRY_CREATED×3 a:QUEUED")
	if err := statemanager.Check(b.Engine); err != nil {
		t.Error(err)
	}
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
	b.again(root.ID, "1", true) // the join of the first is pending
	b.do("root", outputs("x"))
	b.do("work", outputs("second"))
	if s := b.do("join", outputs("x")); string(s.Inputs) != `{"a":"[\"second\"]"}` {
		t.Errorf("the second join has the inputs %s", s.Inputs)
	}
	b.wantStory(run, "root:RETRY_CREATED work:RETRY_CREATED join:RETRY_CREATED root:SUCCESS work:SUCCESS join:SUCCESS")
}
