package local_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

// reading is a read of a run under way.
type reading struct {
	info   transport.RunInfo
	states []transport.State
	err    error
	took   time.Duration
}

func startRun(ctx context.Context, way transport.Transport, id string, wait time.Duration) chan reading {
	end := make(chan reading, 1)
	begun := time.Now()
	go func() {
		info, states, err := way.(transport.RunReader).Run(ctx, id, wait)
		end <- reading{info, states, err, time.Since(begun)}
	}()
	synctest.Wait()
	return end
}

func TestRunWaitsForRest(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
		prepare(t, way, "A", "B")
		put(t, way, "chain", transport.GraphSpec{Nodes: []transport.Placement{step("A", "a", "v", "b"), step("B", "b", "${{ a.outputs.text }}")}})
		id := trigger(t, way, "chain", 0)
		readers := []chan reading{startRun(t.Context(), way, id, long), startRun(t.Context(), way, id, long)}
		brief := startRun(t.Context(), way, id, time.Second)
		at := startRun(t.Context(), way, id, 0)
		if r := <-at; r.err != nil || r.info.Status != transport.RunPending || len(r.states) != 1 {
			t.Errorf("without waiting: %+v", r)
		}
		req := transport.ClaimRequest{Nodes: []string{"A", "B"}, Max: 1}
		do(t, way, claim(t, way, req)[0], "x")
		time.Sleep(2 * time.Second)
		if r := <-brief; r.err != nil || r.info.Status != transport.RunPending || r.took != time.Second {
			t.Errorf("too briefly: %+v", r)
		}
		do(t, way, claim(t, way, req)[0], "y")
		for _, end := range readers {
			r := <-end
			if r.err != nil || r.info.Status != transport.RunSuccess || len(r.states) != 2 || r.took != 2*time.Second {
				t.Errorf("got %+v", r)
			}
		}
		if r := <-startRun(t.Context(), way, id, long); r.err != nil || r.took != 0 {
			t.Errorf("at rest: %+v", r)
		}
		if r := <-startRun(t.Context(), way, "nope", long); !errors.Is(r.err, transport.ErrNotFound) {
			t.Errorf("unknown: %+v", r)
		}
	})
}

func TestRunIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sm := newLocal(t)
		way := sm.Namespace(ns)
		prepare(t, way, "A")
		id := trigger(t, way, "A", 0)
		ctx, cancel := context.WithCancel(t.Context())
		cancelled := startRun(ctx, way, id, long)
		cancel()
		if r := <-cancelled; !errors.Is(r.err, context.Canceled) {
			t.Errorf("by its context: %+v", r)
		}
		closed := startRun(t.Context(), way, id, long)
		var unfinished *local.UnfinishedError
		if err := sm.Close(); !errors.As(err, &unfinished) || unfinished.Count() != 1 {
			t.Fatal(err)
		}
		if r := <-closed; r.took != 0 {
			t.Errorf("by Close: %+v", r)
		}
	})
}

// Cron triggers fire in real time, also for those who wait.
func TestCronFires(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
		prepare(t, way, "A")
		time.Sleep(30 * time.Second) // bubbles begin at midnight
		put(t, way, "ticks", transport.GraphSpec{
			Nodes:    []transport.Placement{step("A", "a", "v")},
			Triggers: []transport.CronTrigger{{Expression: "*/2 * * * *"}, {Expression: "0 6 * * *", Timezone: "Europe/Berlin"}},
		})
		w := startClaim(t.Context(), way, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: 30 * time.Second})
		time.Sleep(30 * time.Second)
		if settle(w); len(w.states) != 0 || w.took != 30*time.Second {
			t.Fatalf("in the first minute: %+v", w)
		}
		time.Sleep(40 * time.Second)
		w = startClaim(t.Context(), way, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: 30 * time.Second})
		time.Sleep(20 * time.Second)
		if settle(w); !w.done || len(w.states) != 1 || w.took != 20*time.Second {
			t.Fatalf("in the second minute: %+v", w)
		}
		time.Sleep(5*time.Hour - 2*time.Minute) // until six in Berlin
		synctest.Wait()
		page, err := way.Runs(t.Context(), 1, 1)
		if want := 150 + 1; err != nil || page.Total != want {
			t.Errorf("%d runs, want %d (%v)", page.Total, want, err)
		}
	})
}
