package statemanager_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// leased claims one state of N under a lease.
func (b *bed) leased(lease time.Duration) transport.Claimed {
	b.t.Helper()
	s := b.Claim(b.now, "ns", transport.ClaimRequest{Nodes: []string{"N"}, Max: 1, Lease: lease})
	if len(s) != 1 {
		b.t.Fatalf("nothing is due")
	}
	return s[0]
}

// However many leases have ended by a report, and whenever what they left behind
// is cleared away, the next lease ends as it should.
func TestLeaseEndsAfterManyReports(t *testing.T) {
	t.Parallel()
	for reports := range 100 {
		b := newBed(t, statemanager.Options{})
		b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{step("a")}, Retry: retries(1)})
		b.run()
		b.leased(time.Second) // ends first: what is left behind waits for it
		for range reports {
			b.run()
			b.report(b.leased(10*time.Second), outputs("x"))
		}
		run := b.run()
		b.leased(10 * time.Second)
		b.now = b.now.Add(10 * time.Second)
		b.Advance(b.now)
		b.wantStory(run, "a:RETRY_CREATED a:CREATED")
	}
}

// A lease that ends is a failure like any other: retries are used up, and what
// the worker reports later is refused.
func TestLeaseEnds(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{step("a")}, Retry: retries(1)})
	run := b.run()
	s := b.leased(10 * time.Second)
	if s.Lease != 10*time.Second || len(s.Token) != 16 {
		t.Errorf("claimed %+v", s)
	}
	if at, ok := b.NextEvent(); !ok || !at.Equal(epoch.Add(10*time.Second)) {
		t.Errorf("the next event is at %s, %t", at, ok)
	}
	b.now = epoch.Add(10*time.Second - 1)
	b.Advance(b.now)
	b.wantStory(run, "a:QUEUED")
	b.now = epoch.Add(10 * time.Second)
	b.Advance(b.now)
	b.wantStory(run, "a:RETRY_CREATED a:CREATED")
	if _, ok := b.NextEvent(); ok {
		t.Error("there is another event")
	}
	_, err := b.tell(s, outputs("x"))
	wantError(t, err, http.StatusConflict, "Lease lost")
	if got := b.last(run, "a").Error; got != "" {
		t.Errorf("the retry has the error %q", got)
	}
	_, states := b.states(run)
	if states[0].Error != "lease expired" {
		t.Errorf("the error is %q", states[0].Error)
	}

	b.now = b.now.Add(time.Second)
	second := b.leased(time.Second)
	if second.Attempt != 1 || second.Token <= s.Token {
		t.Errorf("the second claim is %+v, the first %+v", second, s)
	}
	b.now = b.now.Add(time.Hour)
	b.wantStatus(run, transport.RunPending) // nobody has told the engine yet
	b.Advance(b.now)
	b.wantStatus(run, transport.RunFailed)
}

// Time that passes counts with every call, also if Advance was not called.
func TestLeaseEndsBeforeTheReport(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	run := b.run()
	s := b.leased(time.Second)
	b.now = b.now.Add(time.Second)
	_, err := b.tell(s, outputs("x"))
	wantError(t, err, http.StatusConflict, "Lease lost")
	b.wantStory(run, "a:ERRORED")
}

func TestClaimsWithoutLeaseNeverEnd(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	run := b.run()
	s := b.claim("a")
	if s.Lease != 0 || s.Token != "" {
		t.Errorf("claimed %+v", s)
	}
	b.now = b.now.Add(100 * 365 * 24 * time.Hour)
	b.Advance(b.now)
	b.report(s, outputs("x"))
	b.wantStatus(run, transport.RunSuccess)
}

// A default lease is for workers that know of none: they may report without its
// token. A wrong one is refused all the same.
func TestDefaultLease(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{DefaultLease: time.Minute})
	b.steps(step("a"))
	b.run()
	s := b.claim("a")
	if s.Lease != time.Minute || s.Token == "" {
		t.Errorf("claimed %+v", s)
	}
	_, err := b.Report(b.now, "ns", transport.Report{StateID: s.ID, Token: "0000000000000001", Outcome: outputs("x")})
	wantError(t, err, http.StatusConflict, "Lease lost")
	if _, err := b.Report(b.now, "ns", transport.Report{StateID: s.ID, Outcome: outputs("x")}); err != nil {
		t.Errorf("without the token: %v", err)
	}
}

// lapsed is a run of one step, with so many retries, whose state has been claimed
// once and offered again.
func lapsed(t *testing.T, attempts int) (*bed, string, transport.Claimed) {
	t.Helper()
	b := newBed(t, statemanager.Options{DefaultLease: time.Minute})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{step("a", "b"), step("b")}, Retry: retries(attempts)})
	run := b.run()
	s := b.claim("a")
	s.Token = "" // an SDK that knows nothing of leases shows none
	b.now = b.now.Add(time.Minute)
	b.Advance(b.now)
	b.wantStory(run, "a:CREATED")
	return b, run, s
}

func (b *bed) wantFit() {
	b.t.Helper()
	if err := statemanager.Check(b.Engine); err != nil {
		b.t.Errorf("%v", err)
	}
}

// A state whose default lease ends is offered again: no attempt is used up.
func TestDefaultLeaseOffersAgain(t *testing.T) {
	t.Parallel()
	b, run, s := lapsed(t, 2)
	again := b.claim("a")
	if again.ID != s.ID || again.Attempt != 0 {
		t.Errorf("claimed %+v, then %+v", s, again)
	}
	b.report(again, outputs("x"))
	b.wantStory(run, "a:SUCCESS b:CREATED")
	b.wantFit()
}

// It is offered again as often as there are attempts, and then fails.
func TestDefaultLeaseIsBounded(t *testing.T) {
	t.Parallel()
	for attempts := range 3 {
		b, run, s := lapsed(t, attempts)
		for range attempts + 1 {
			b.wantStory(run, "a:CREATED")
			b.claim("a")
			b.now = b.now.Add(time.Minute)
			b.Advance(b.now)
		}
		b.wantStory(run, "a:ERRORED")
		b.wantStatus(run, transport.RunFailed)
		if got := b.last(run, "a").Error; got != "lease expired" {
			t.Errorf("the error is %q", got)
		}
		b.report(s, outputs("x")) // too late
		b.wantStory(run, "a:ERRORED")
		b.wantFit()
	}
}

// A late report is taken while nobody else has claimed the state.
func TestDefaultLeaseLateReportIsTaken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o    transport.Outcome
		want string
	}{
		{outputs("1"), "a:SUCCESS b:CREATED"},
		{transport.Errored{}, "a:RETRY_CREATED a:CREATED"},
		{transport.Pruned{}, "a:PRUNED"},
		{transport.Requeued{After: time.Hour}, "a:CREATED"},
	} {
		b, run, s := lapsed(t, 1)
		first := b.report(s, c.o)
		if again := b.report(s, c.o); again != first {
			t.Errorf("%T is answered %+v, and again %+v", c.o, first, again)
		}
		b.wantStory(run, c.want)
		for _, s := range b.claimN(10) {
			if s.Identifier == "a" {
				t.Errorf("after %T the state is due", c.o)
			}
		}
		b.wantFit()
	}
}

// Once another worker has the state, or has ended it, a late report changes
// nothing, and its worker does not learn of it.
func TestDefaultLeaseLateReportIsIgnored(t *testing.T) {
	t.Parallel()
	late := []transport.Outcome{outputs("late"), transport.Errored{Message: "late"}, transport.Pruned{}, transport.Requeued{After: time.Hour}}
	b, run, s := lapsed(t, 1)
	again := b.leased(time.Hour)
	for _, o := range late {
		b.report(s, o)
		b.wantStory(run, "a:QUEUED")
	}
	b.report(again, outputs("x"))
	for _, o := range late {
		r := b.report(s, o)
		if _, ok := o.(transport.Errored); ok && (r.Status != transport.StatusErrored || r.RetryCreated) {
			t.Errorf("answered %+v", r)
		}
		b.wantStory(run, "a:SUCCESS b:CREATED")
	}
	if got := string(b.last(run, "a").Outputs); got != `{"o":"x"}` {
		t.Errorf("the outputs are %s", got)
	}
	// One that shows a token knows of leases.
	_, err := b.Report(b.now, "ns", transport.Report{StateID: s.ID, Token: "0000000000000001", Outcome: outputs("x")})
	wantError(t, err, http.StatusConflict, "Lease lost")
	b.wantFit()

	// Of two that show none, the first to report is taken: they cannot be told
	// apart.
	b, run, s = lapsed(t, 1)
	second := b.claim("a")
	second.Token = ""
	b.report(s, outputs("first"))
	b.report(second, outputs("second"))
	b.wantStory(run, "a:SUCCESS b:CREATED")
	if got := string(b.last(run, "a").Outputs); got != `{"o":"first"}` {
		t.Errorf("the outputs are %s", got)
	}
}

// Who has asked for a lease knows of tokens: without one a report is some other
// worker's.
func TestLeaseNeedsItsToken(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{DefaultLease: time.Minute})
	b.steps(step("a"))
	b.run()
	s := b.leased(time.Hour)
	for _, token := range []string{"", "0000000000000001", s.Token + "0", "x"} {
		_, err := b.Report(b.now, "ns", transport.Report{StateID: s.ID, Token: token, Outcome: outputs("x")})
		wantError(t, err, http.StatusConflict, "Lease lost")
	}
	b.report(s, outputs("x"))
	_, err := b.Report(b.now, "ns", transport.Report{StateID: s.ID, Token: "0000000000000001", Outcome: outputs("x")})
	wantError(t, err, http.StatusConflict, "Lease lost")
	b.report(s, outputs("x")) // the same again
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	var s []transport.Claimed
	for range 5 {
		b.run()
		s = append(s, b.leased(10*time.Second))
	}
	b.report(s[1], outputs("x"))
	b.now = epoch.Add(5 * time.Second)
	leases := map[string]string{s[0].ID: s[0].Token, s[1].ID: s[1].Token, s[2].ID: s[3].Token, "nobody": "x"}
	want := []string{"nobody", s[1].ID, s[2].ID}
	if s[1].ID < "n" {
		want = []string{s[1].ID, s[2].ID, "nobody"}
	}
	if diff := cmp.Diff(want, b.Heartbeat(b.now, "ns", leases, 20*time.Second)); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	if lost := b.Heartbeat(b.now, "other", map[string]string{s[4].ID: s[4].Token}, time.Hour); len(lost) != 1 {
		t.Errorf("another namespace keeps the lease: %v", lost)
	}
	// A heartbeat never cuts a lease short.
	if lost := b.Heartbeat(b.now, "ns", map[string]string{s[0].ID: s[0].Token}, time.Second); lost != nil {
		t.Errorf("lost %v", lost)
	}
	for _, c := range []struct {
		at   time.Duration
		next time.Duration
		left int // states that are QUEUED after it
	}{{10*time.Second - 1, 10 * time.Second, 4}, {10 * time.Second, 25 * time.Second, 1}, {25*time.Second - 1, 25 * time.Second, 1}, {25 * time.Second, 0, 0}} {
		b.Advance(epoch.Add(c.at))
		left := 0
		p, err := b.Runs("ns", 1, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Runs {
			left += r.Pending
		}
		if left != c.left {
			t.Errorf("at %s %d states are under lease, want %d", c.at, left, c.left)
		}
		at, ok := b.NextEvent()
		if ok != (c.next > 0) || ok && !at.Equal(epoch.Add(c.next)) {
			t.Errorf("at %s the next event is at %s, %t", c.at, at, ok)
		}
		if err := statemanager.Check(b.Engine); err != nil {
			t.Error(err)
		}
	}
}

// Leases that have ended by a report leave nothing behind for long.
func TestLeasesDoNotPileUp(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{KeepRuns: 1})
	b.steps(step("a"))
	b.run()
	b.leased(time.Minute) // ends before all the others
	for range 10_000 {
		b.run()
		b.report(b.leased(time.Hour), outputs("x"))
	}
	if states, runs, leases, waiting := statemanager.Retained(b.Engine); states != 2 || runs != 2 || leases > 100 || waiting > 0 {
		t.Errorf("%d states of %d runs, %d leases and %d waiting are kept", states, runs, leases, waiting)
	}
}
