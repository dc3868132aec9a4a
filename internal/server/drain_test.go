package server_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/server"
)

// After Drain no run starts, by a trigger or by cron, and those that have started
// can be waited for.
func TestDrain(t *testing.T) {
	t.Parallel()
	s, clock := newServer(t, server.Options{}, transport.CronTrigger{Expression: "* * * * *"})
	if _, err := s.Trigger(t.Context(), ns, "g", transport.TriggerSpec{StartDelay: time.Minute}); err != nil {
		t.Fatal(err)
	}
	s.Drain()
	_, err := s.Trigger(t.Context(), ns, "g", transport.TriggerSpec{})
	var e *transport.Error
	if !errors.Is(err, server.ErrDraining) || !errors.As(err, &e) || e.Status != 503 {
		t.Errorf("trigger: %v", err)
	}
	clock.Advance(time.Hour)
	s.Advance()
	if got := s.Unfinished()[ns]; got != 1 {
		t.Errorf("%d runs, want the one from before", got)
	}
	if p := s.Pending(); len(p) != 1 || p[0].Due != 1 || p[0].Delayed != 0 || p[0].Executing != 0 || p[0].Node != "A" {
		t.Errorf("%+v", p)
	}
}

func TestAwaitRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := newServer(t, server.Options{})
		defer s.Close()
		if err := s.AwaitRuns(t.Context()); err != nil {
			t.Errorf("of no runs: %v", err)
		}
		for range 2 {
			if _, err := s.Trigger(t.Context(), ns, "g", transport.TriggerSpec{}); err != nil {
				t.Fatal(err)
			}
		}
		var ended [2]error
		for i := range ended {
			ended[i] = errPending
			go func() { ended[i] = s.AwaitRuns(t.Context()) }()
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.AwaitRuns(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("by its context: %v", err)
		}
		for i := range 2 {
			if !errors.Is(ended[0], errPending) || !errors.Is(ended[1], errPending) {
				t.Fatalf("after %d of 2 runs: %v", i, ended)
			}
			states, err := s.Claim(t.Context(), ns, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1})
			if err != nil || len(states) != 1 {
				t.Fatal(states, err)
			}
			if _, err := s.Report(t.Context(), ns, transport.Report{StateID: states[0].ID, Outcome: transport.Executed{}}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if ended[0] != nil || ended[1] != nil {
			t.Errorf("after all runs: %v", ended)
		}
		if _, err := s.Trigger(t.Context(), ns, "g", transport.TriggerSpec{}); err != nil {
			t.Fatal(err)
		}
		closed := make(chan error)
		go func() { closed <- s.AwaitRuns(t.Context()) }()
		synctest.Wait()
		s.Close()
		if err := <-closed; !errors.Is(err, server.ErrClosed) {
			t.Errorf("by Close: %v", err)
		}
	})
}

var errPending = errors.New("pending")
