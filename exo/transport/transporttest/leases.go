package transporttest

import (
	"net/http"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// lease is how long the rules claim states for that they are to keep.
const lease = time.Hour

// defaultLease is short enough to wait for its end in real time, and long enough
// to report in.
const defaultLease = 5 * time.Second

// leased begins a run of one step without retries and claims it under a lease that does not end.
func (w *world) leased() (runID string, s transport.Claimed) {
	w.t.Helper()
	w.needs(transport.ExtensionLease)
	runID = w.retried(transport.RetryPolicy{Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
	return runID, w.again()
}

// expiring is leased with one retry, and with a lease that then ends.
func (w *world) expiring() (runID string, s transport.Claimed) {
	w.t.Helper()
	w.needs(transport.ExtensionLease)
	runID = w.retried(transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
	s = w.under(unit)
	w.until(unit)
	return runID, s
}

// again claims the one state of A under a lease that does not end.
func (w *world) again() transport.Claimed {
	w.t.Helper()
	return w.under(lease)
}

// under claims the one state of A under a lease.
func (w *world) under(lease time.Duration) transport.Claimed {
	w.t.Helper()
	var states []transport.Claimed
	w.eventually(func() bool {
		states = w.ask(transport.ClaimRequest{Nodes: []string{"A"}, Max: 2, Lease: lease})
		return len(states) > 0
	})
	if len(states) != 1 {
		w.t.Fatalf("claimed %d states, want 1", len(states))
	}
	return states[0]
}

func (w *world) beat(leases map[string]string) (lost []string) {
	w.t.Helper()
	return w.beatFor(lease, leases)
}

// beatFor makes leases last for d from now on.
func (w *world) beatFor(d time.Duration, leases map[string]string) (lost []string) {
	w.t.Helper()
	lost, err := ability[transport.Heartbeater](w).Heartbeat(w.ctx(), leases, d)
	w.ok(err)
	slices.Sort(lost)
	return lost
}

// leaseRules is §13, lease.
func leaseRules() []rule {
	return []rule{
		{name: "§13 lease: a claim that asks for one gets it, and a token", run: func(w *world) {
			runID, s := w.leased()
			if s.Lease != lease || s.Token == "" {
				w.t.Errorf("claimed %+v", s)
			}
			w.end(s, executed("x"))
			w.comesTo(runID, transport.RunSuccess)
			w.until(lease)
			w.stands(runID, "a SUCCESS")
		}},
		{name: "§13 lease: a claim that asks for none never ends", run: func(w *world) {
			w.needs(transport.ExtensionLease)
			runID := w.retried(transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			s := w.one("A")
			if s.Lease != 0 || s.Token != "" {
				w.t.Errorf("claimed %+v", s)
			}
			w.until(2 * lease)
			w.stands(runID, "a QUEUED")
			w.end(s, executed("x"))
		}},
		{name: "§13 lease: one that ends is a failure", run: func(w *world) {
			runID, s := w.expiring()
			w.stands(runID, "a RETRY_CREATED", "a CREATED")
			if got := w.detail(runID, s.ID).Error; got != "lease expired" {
				w.t.Errorf("the error is %q", got)
			}
			if next := w.again(); next.ID == s.ID {
				w.t.Error("the same state came again")
			}
		}},
		{name: "§13 lease: expiries use up retries", run: func(w *world) {
			runID, _ := w.expiring()
			w.under(unit)
			w.until(unit)
			w.stands(runID, "a RETRY_CREATED", "a ERRORED")
			w.comesTo(runID, transport.RunFailed)
		}},
		{name: "§13 lease: a report that is late is 409", run: func(w *world) {
			for name, o := range outcomes() {
				runID, s := w.expiring()
				w.stands(runID, "a RETRY_CREATED", "a CREATED")
				w.refused(w.tell(s, o), http.StatusConflict, "")
				w.stands(runID, "a RETRY_CREATED", "a CREATED")
				w.end(w.again(), executed("x"))
				if w.t.Failed() {
					w.t.Fatalf("%s", name)
				}
			}
		}},
		{name: "§13 lease: a report with another token is 409", run: func(w *world) {
			runID, s := w.leased()
			for _, token := range []string{"", "another", s.Token + "x"} {
				w.refused(w.tell(transport.Claimed{ID: s.ID, Token: token}, executed("x")), http.StatusConflict, "Lease lost")
			}
			w.stands(runID, "a QUEUED")
			w.end(s, executed("x"))
		}},
		{name: "§13 lease: the token of an earlier claim is 409", run: func(w *world) {
			runID, s := w.leased()
			w.end(s, transport.Requeued{After: time.Millisecond})
			w.until(time.Millisecond)
			next := w.again()
			if next.ID != s.ID || next.Token == s.Token {
				w.t.Errorf("claimed %+v, then %+v", s, next)
			}
			w.refused(w.tell(s, executed("x")), http.StatusConflict, "Lease lost")
			w.stands(runID, "a QUEUED")
			w.end(next, executed("x"))
		}},
		{name: "§13 lease: heartbeats keep it", run: heartbeatsKeepLeases},
		{name: "§13 lease: heartbeats tell what is lost", run: func(w *world) {
			_, lost := w.expiring()
			kept := w.again()
			got := w.beat(map[string]string{lost.ID: lost.Token, kept.ID: kept.Token, unknownID: "t"})
			want := []string{lost.ID, unknownID}
			slices.Sort(want)
			w.equal("lost", got, want)
			w.equal("lost with another token", w.beat(map[string]string{kept.ID: lost.Token}), []string{kept.ID})
			w.end(kept, executed("x"))
			w.equal("lost after the report", w.beat(map[string]string{kept.ID: kept.Token}), []string{kept.ID})
		}},
		{name: "§13 lease: in one namespace says nothing of another", run: func(w *world) {
			_, s := w.leased()
			w.equal("lost", w.beside().beat(map[string]string{s.ID: s.Token}), []string{s.ID})
			w.equal("lost", len(w.beat(map[string]string{s.ID: s.Token})), 0)
		}},
		{name: "§13 lease: the default one, for claims that ask for none", options: Options{DefaultLease: defaultLease}, run: func(w *world) {
			w.needs(transport.ExtensionLease)
			runID := w.retried(transport.RetryPolicy{MaxRetries: 2, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			lost := w.one("A")
			w.until(defaultLease)
			w.stands(runID, "a CREATED") // no attempt is used up
			s := w.one("A")
			if s.ID != lost.ID || s.Attempt != lost.Attempt {
				w.t.Errorf("claimed %+v, then %+v", lost, s)
			}
			s.Token = "" // as an SDK that knows no leases
			w.end(s, executed("x"))
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§13 lease: the default one ends as often as there are attempts, and once more", options: Options{DefaultLease: defaultLease}, run: func(w *world) {
			w.needs(transport.ExtensionLease)
			runID := w.retried(transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			for range 3 {
				w.stands(runID, "a CREATED")
				w.one("A")
				w.until(defaultLease)
			}
			w.stands(runID, "a ERRORED")
			w.comesTo(runID, transport.RunFailed)
		}},
		{name: "§13 lease: the default one, a report after its end is taken if no other runtime has the state", options: Options{DefaultLease: defaultLease}, run: func(w *world) {
			w.needs(transport.ExtensionLease)
			runID := w.retried(transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			late := w.one("A")
			late.Token = ""
			w.until(defaultLease)
			w.stands(runID, "a CREATED")
			w.end(late, executed("x"))
			w.none("A")
			w.stands(runID, "a SUCCESS")
		}},
		{name: "§13 lease: the default one, a report after its end is ignored if another has the state", options: Options{DefaultLease: defaultLease}, run: func(w *world) {
			w.needs(transport.ExtensionLease)
			runID := w.retried(transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			late := w.one("A")
			late.Token = ""
			w.until(defaultLease)
			s := w.again()
			for _, o := range outcomes() {
				w.end(late, o) // no error
				w.stands(runID, "a QUEUED")
			}
			w.end(s, executed("x"))
			for _, o := range outcomes() {
				w.end(late, o)
				w.stands(runID, "a SUCCESS")
			}
		}},
		{name: "§13 lease: a join waits for a branch whose worker died", run: func(w *world) {
			w.needs(transport.ExtensionLease)
			w.serve("Root", "A", "Join")
			g := w.spec(step("Root", "v", "a"), step("A", "v", "join"), join("Join", "v", "root", transport.AllSuccess))
			g.Retry.MaxRetries = 1
			w.valid("graph", g)
			runID := w.trigger(transport.TriggerSpec{})
			w.do("Root", "x")
			w.under(unit)
			w.until(unit)
			w.none("Join")
			w.end(w.again(), executed("x"))
			w.do("Join", "x")
			w.comesTo(runID, transport.RunSuccess)
		}},
	}
}

func heartbeatsKeepLeases(w *world) {
	w.needs(transport.ExtensionLease)
	runID := w.retried(transport.RetryPolicy{Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
	s := w.under(defaultLease)
	if w.virtual {
		for range 4 {
			w.pass(defaultLease * 5 / 8)
			w.equal("lost", len(w.beatFor(defaultLease, map[string]string{s.ID: s.Token})), 0)
		}
		w.stands(runID, "a QUEUED")
		w.until(defaultLease)
		w.stands(runID, "a ERRORED")
		return
	}
	w.equal("lost", len(w.beat(map[string]string{s.ID: s.Token})), 0)
	w.pass(defaultLease + slack)
	w.stands(runID, "a QUEUED")
}
