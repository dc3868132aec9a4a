package exotest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exotest"
	"go.uber.org/zap"
)

// In a bubble a real runtime gives what the driver gives.
func TestBubbleWithARuntime(t *testing.T) {
	t.Parallel()
	g, _, _ := long(50)
	driven := exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{})
	g, _, sum := long(50)
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		sm.Serve(t, g.Nodes())
		result := sm.Drive(t, g, exo.TriggerOptions{})
		exotest.WantSuccess(t, result)
		exotest.WantOutputs(t, result, sum, Sum{exo.Of(1225)})
		if got, want := exotest.Transcript(result), exotest.Transcript(driven); got != want {
			t.Errorf("the runtime gives:\n%s\nthe driver:\n%s", got, want)
		}
	})
}

// A client and a runtime of the test's own, unchanged.
func TestBubbleWithAProgramOfOnesOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShout("a bee")
		sm := exotest.NewStateManager(t)
		calls := exotest.Stub(sm, upper, func(_ context.Context, in Text, _ exo.None) (Text, error) {
			time.Sleep(time.Hour)
			return Text{in.Text + "?"}, nil
		})
		sm.FailOn("words", 0, errors.New("not yet"))
		sm.Delay("begin", time.Minute)
		rt, err := exo.NewRuntime("test", "worker", s.graph.Nodes(), exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()), exo.WithMiddleware(sm.Middleware()))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- rt.Run(ctx) }()
		<-rt.Ready()
		client, err := exo.NewStateManager("test", exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.UpsertGraph(t.Context(), s.graph); err != nil {
			t.Fatal(err)
		}
		run, err := client.Trigger(t.Context(), "shout", exo.TriggerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		result, err := run.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		exotest.WantOutputs(t, result, s.joint, Text{"a? bee?"})
		exotest.WantAttempts(t, result, "words", 2, 1)
		if want := time.Hour + time.Minute + 2*time.Second; result.Elapsed != want {
			t.Errorf("took %v, want %v", result.Elapsed, want)
		}
		if calls.Len() != 2 || calls.All()[0].Info.Runtime != "worker" {
			t.Errorf("%+v", calls.All())
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A runtime dies: its lease ends, and another takes over.
func TestBubbleLease(t *testing.T) {
	t.Parallel()
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		g, only := one(echo, Text{"x"})
		run := sm.Trigger(t, g, exo.TriggerOptions{})
		req := claimOf("Echo")
		req.Lease = time.Minute
		if states, err := sm.Namespace("test").Claim(t.Context(), req); err != nil || len(states) != 1 {
			t.Fatalf("%d states, %v", len(states), err)
		}
		result := sm.Wait(t, run)
		exotest.WantOutputs(t, result, only, Text{"x"})
		exotest.WantAttempts(t, result, "only", 2)
		if result.States[0].Error != "lease expired" || result.Elapsed != time.Minute+2*time.Second {
			t.Errorf("%q after %v", result.States[0].Error, result.Elapsed)
		}
	})
}

// Cron triggers fire while nobody calls the state manager.
func TestBubbleCron(t *testing.T) {
	t.Parallel()
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		g, _ := one(echo, Text{"x"})
		g.Cron("0 * * * *")
		sm.Upsert(t, g)
		time.Sleep(3*time.Hour + time.Minute)
		if n := len(sm.Results(t, g)); n != 3 {
			t.Errorf("%d runs, want 3", n)
		}
		sm.DriveFor(t, 2*time.Hour)
		for i, r := range sm.Results(t, g) {
			exotest.WantSuccess(t, r)
			if i > 2 && r.Elapsed != 0 {
				t.Errorf("run %d took %v", i, r.Elapsed)
			}
		}
		if n := len(sm.Results(t, g)); n != 5 || sm.Elapsed() != 5*time.Hour+time.Minute {
			t.Errorf("%d runs after %v, want 5", n, sm.Elapsed())
		}
	})
}

// What runtimes do not serve, the driver executes itself.
func TestBubbleSharesTheWork(t *testing.T) {
	t.Parallel()
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		s := newShout("a bee")
		calls := exotest.Record(sm, upper)
		sm.Serve(t, exo.Nodes(upper))
		exotest.WantOutputs(t, sm.Drive(t, s.graph, exo.TriggerOptions{}), s.joint, Text{"A BEE"})
		if calls.Len() != 2 {
			t.Errorf("%d calls", calls.Len())
		}
	})
}

func TestBubbleNamesARuntimeThatIsGone(t *testing.T) {
	t.Parallel()
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		g, _ := one(echo, Text{"x"})
		rt := sm.Serve(t, g.Nodes())
		if err := rt.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := sm.TryDrive(t.Context(), g, exo.TriggerOptions{})
		if !errors.Is(err, exo.ErrRunStuck) || !strings.Contains(err.Error(), `only waits for runtime "exotest", which serves node "Echo"`) {
			t.Errorf("%v", err)
		}
	})
}

func TestARuntimeNeedsTime(t *testing.T) {
	t.Parallel()
	got := messages(t, func(t testing.TB) { exotest.NewStateManager(t).Serve(t, exo.Nodes(echo)) })
	if !strings.Contains(got, "exotest.Bubble") {
		t.Errorf("%q", got)
	}
	req := claimOf("Echo")
	req.Wait = time.Second
	_, err := exotest.NewStateManager(t).Namespace("test").Claim(t.Context(), req)
	var refused *transport.Error
	if !errors.As(err, &refused) || refused.Temporary() || !strings.Contains(err.Error(), "exotest.Bubble") {
		t.Errorf("%v", err)
	}
}
