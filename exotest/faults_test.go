package exotest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exotest"
	"go.uber.org/zap"
)

// Lost calls and answers change no outcome: the runtime's code reports again, and
// the engine takes the same report twice.
func TestFaultsOfADrivenRun(t *testing.T) {
	t.Parallel()
	s := newShout("a bee sees")
	plain := exotest.Transcript(exotest.NewStateManager(t).Drive(t, s.graph, exo.TriggerOptions{}))
	sm := exotest.NewStateManager(t).With(exotest.WithFaults(
		exotest.DropBefore("report", 1, 2), exotest.DropAfter("report", 3, 5), exotest.Refuse("report", 503, 4),
	))
	if got := exotest.Transcript(sm.Drive(t, s.graph, exo.TriggerOptions{})); got != plain {
		t.Errorf("with faults:\n%s\nwithout:\n%s", got, plain)
	}
}

// The calls of a node fail in the node.
func TestFaultsOfANodesCalls(t *testing.T) {
	t.Parallel()
	count := exo.Node("Count", func(ctx context.Context, _ exo.None, _ exo.None) (Sum, error) {
		n, err := counter.Update(ctx, func(n int, _ bool) (int, error) { return n + 1, nil })
		return Sum{exo.Of(n)}, err
	})
	g, only := one(count, exo.None{})
	for name, test := range map[string]struct {
		fault    exotest.Fault
		attempts int
		sum      int
	}{
		"before": {exotest.DropBefore("store swap", 1), 2, 1},
		"after":  {exotest.DropAfter("store swap", 1), 2, 2}, // it was made: nodes run more than once
		"refuse": {exotest.Refuse("store get", 500, 1, 2), 3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sm := exotest.NewStateManager(t).With(exotest.WithFaults(test.fault))
			result := sm.Drive(t, g, exo.TriggerOptions{})
			exotest.WantAttempts(t, result, "only", test.attempts)
			exotest.WantOutputs(t, result, only, Sum{exo.Of(test.sum)})
		})
	}
}

// A real runtime gets through a bad network, and counts everything once.
func TestFaultsOfARuntime(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			g, parts, sum := long(20)
			// A claim whose answer is lost costs an attempt: its lease ends.
			g.Retry(exo.RetryPolicy{MaxRetries: 20, Strategy: exo.Fixed, Backoff: time.Minute})
			exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
				sm.Serve(t, g.Nodes(), exo.WithLease(time.Minute))
				result := sm.Drive(t, g, exo.TriggerOptions{})
				exotest.WantOutputs(t, result, sum, Sum{exo.Of(190)})
				if n := len(exotest.Outputs(t, result, parts)); n != 20 {
					t.Errorf("%d parts, want 20", n)
				}
			}, exotest.WithFaults(exotest.RandomFaults(seed, 0.3, "claim", "report", "heartbeat")), exotest.WithSeed(seed), exotest.WithLogger(zap.NewNop()))
		})
	}
}

func TestFaultsOfAClient(t *testing.T) {
	t.Parallel()
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		g, _ := one(echo, Text{"x"})
		sm.Upsert(t, g) // the driver's own calls are spared
		client := sm.Client(t)
		began := time.Now()
		if _, err := client.Trigger(t.Context(), "one", exo.TriggerOptions{}); err == nil {
			t.Error("the call is not lost")
		}
		if _, err := client.Trigger(t.Context(), "one", exo.TriggerOptions{}); err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited != time.Hour {
			t.Errorf("waited %v, want an hour", waited)
		}
		if n := len(sm.Results(t, g)); n != 1 {
			t.Errorf("%d runs, want 1", n)
		}
		names, err := client.Namespaces(t.Context())
		if err != nil || len(names) != 1 {
			t.Errorf("%v, %v", names, err)
		}
	}, exotest.WithFaults(exotest.DropBefore("trigger", 1), exotest.Late("trigger", time.Hour)))
}

func TestFaultsMisused(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]exotest.Fault{
		"DropBefore: there is no operation":                   exotest.DropBefore("fetch"),
		"RandomFaults takes time that passes by itself":       exotest.RandomFaults(1, 0.1),
		"Late takes time that passes by itself: use exotest.": exotest.Late("claim", time.Second),
	} {
		got := messages(t, func(t testing.TB) { exotest.NewStateManager(t).With(exotest.WithFaults(f)) })
		if !strings.Contains(got, want) {
			t.Errorf("%q, want %q in it", got, want)
		}
	}
}
