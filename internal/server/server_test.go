package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/server"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

const ns = "etl"

// newServer has a graph g of one step, of the node A, which is retried once.
func newServer(t *testing.T, o server.Options, triggers ...transport.CronTrigger) (*server.Server, *server.ManualClock) {
	t.Helper()
	clock := server.NewManualClock(time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC))
	o.Clock = clock
	s := server.New(o)
	t.Cleanup(s.Close)
	if err := s.Register(t.Context(), ns, "worker", []transport.NodeSpec{{Name: "A"}}); err != nil {
		t.Fatal(err)
	}
	g := transport.GraphSpec{
		Nodes:    []transport.Placement{{Node: "A", Namespace: ns, Identifier: "a"}},
		Retry:    &transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1},
		Triggers: triggers,
	}
	if _, err := s.PutGraph(t.Context(), ns, "g", g); err != nil {
		t.Fatal(err)
	}
	return s, clock
}

func trigger(t *testing.T, s *server.Server, delay time.Duration) (runID string) {
	t.Helper()
	id, err := s.Trigger(t.Context(), ns, "g", transport.TriggerSpec{StartDelay: delay})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// What time brings comes though nobody calls: leases end, cron triggers fire.
func TestTimeAlone(t *testing.T) {
	t.Parallel()
	var changes []string
	o := server.Options{Engine: statemanager.Options{OnChange: func(c statemanager.Change) {
		changes = append(changes, string(c.From)+">"+string(c.To))
	}}}
	s, clock := newServer(t, o, transport.CronTrigger{Expression: "0 10 * * *"})
	trigger(t, s, 0)
	if states, err := s.Claim(t.Context(), ns, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Lease: time.Minute}); len(states) != 1 || err != nil {
		t.Fatalf("claimed %v, %v", states, err)
	}
	seen := len(changes)
	clock.Advance(time.Minute - 1)
	if len(changes) != seen {
		t.Errorf("changed early: %v", changes[seen:])
	}
	clock.Advance(1)
	if got := changes[seen:]; len(got) != 2 || got[0] != "QUEUED>RETRY_CREATED" {
		t.Errorf("a lease that ends changes %v", got)
	}
	seen = len(changes)
	clock.Advance(time.Hour)
	if got := changes[seen:]; len(got) != 1 || got[0] != ">CREATED" {
		t.Errorf("a cron trigger changes %v", got)
	}
}

// A default lease ends as well.
func TestDefaultLeaseEnds(t *testing.T) {
	t.Parallel()
	for _, plain := range []bool{false, true} {
		s, clock := newServer(t, server.Options{WithoutExtensions: plain, Engine: statemanager.Options{DefaultLease: time.Minute}})
		trigger(t, s, 0)
		req := transport.ClaimRequest{Nodes: []string{"A"}, Max: 1}
		for range 2 {
			if states, err := s.Claim(t.Context(), ns, req); len(states) != 1 || err != nil {
				t.Fatalf("claimed %v, %v", states, err)
			}
			clock.Advance(time.Minute + time.Second)
		}
	}
}

// Calls that wait do so by the clock.
func TestWaitsByTheClock(t *testing.T) {
	t.Parallel()
	s, clock := newServer(t, server.Options{})
	id := trigger(t, s, time.Hour)
	claimed, read := make(chan int, 1), make(chan transport.RunStatus, 1)
	go func() {
		states, _ := s.Claim(context.WithoutCancel(t.Context()), ns, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: 2 * time.Hour})
		claimed <- len(states)
	}()
	go func() {
		info, _, _ := s.Run(context.WithoutCancel(t.Context()), ns, id, time.Hour, statemanager.Part{})
		read <- info.Status
	}()
	// However late they are, time goes on until they have returned.
	for got := 0; got < 2; {
		select {
		case n := <-claimed:
			if got++; n != 1 {
				t.Errorf("claimed %d states", n)
			}
		case status := <-read:
			if got++; status != transport.RunPending {
				t.Errorf("the run is %s", status)
			}
		default:
			clock.Advance(30 * time.Minute)
		}
	}
}

// The count of what is not finished follows runs, also those set going again.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t, server.Options{})
	want := func(n int) {
		t.Helper()
		if got := s.Unfinished(); got[ns] != n || len(got) > 1 || n == 0 && len(got) > 0 {
			t.Errorf("unfinished %v, want %d", got, n)
		}
	}
	want(0)
	trigger(t, s, 0)
	trigger(t, s, 0)
	want(2)
	states, err := s.Claim(t.Context(), ns, transport.ClaimRequest{Nodes: []string{"A"}, Max: 2})
	if err != nil || len(states) != 2 {
		t.Fatalf("claimed %v, %v", states, err)
	}
	if _, err := s.Report(t.Context(), ns, transport.Report{StateID: states[0].ID, Outcome: transport.Errored{Message: "boom", Permanent: true}}); err != nil {
		t.Fatal(err)
	}
	want(1)
	if _, err := s.Retry(t.Context(), ns, states[0].ID, "again", false); err != nil {
		t.Fatal(err)
	}
	want(2)
}
