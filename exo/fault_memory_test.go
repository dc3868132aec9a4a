package exo_test

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

var memoryStates = flag.Int("memory.states", 100_000, "states that TestMemoryIsFlat executes")

// endless is a state manager that always has another state, up to a number of
// them, and keeps nothing but counts.
type endless struct {
	transport.Unimplemented
	most int

	mu       sync.Mutex
	claimed  int
	reported int
	beats    int
	done     chan struct{} // closed when all are reported
}

func newEndless(most int) *endless { return &endless{most: most, done: make(chan struct{})} }

func (s *endless) Namespace(string) transport.Transport { return s }

func (s *endless) Register(context.Context, string, []transport.NodeSpec) error { return nil }

var endlessInputs = transport.Object(`{"text":"some text that is an input"}`)

func (s *endless) Claim(_ context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
	s.mu.Lock()
	n := min(req.Max, s.most-s.claimed)
	first := s.claimed
	s.claimed += n
	s.mu.Unlock()
	if n == 0 {
		select {
		case <-time.After(req.Wait):
		case <-req.Stop:
		}
		return nil, nil
	}
	states := make([]transport.Claimed, n)
	for i := range states {
		id := strconv.Itoa(first + i)
		states[i] = transport.Claimed{ID: id, Node: req.Nodes[0], Identifier: "do", Inputs: endlessInputs, Lease: req.Lease, Token: id}
	}
	return states, nil
}

func (s *endless) Report(_ context.Context, reports []transport.Report) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reported += len(reports)
	if s.reported == s.most {
		close(s.done)
	}
	return nil
}

func (s *endless) Heartbeat(context.Context, map[string]string, time.Duration) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beats++
	return nil, nil
}

// run executes all of the states.
func (s *endless) run(tb testing.TB, n node.Any, opts ...exo.RuntimeOption) *exo.Runtime {
	tb.Helper()
	rt, err := exo.NewRuntime(namespace, "w", exo.Nodes(n), append([]exo.RuntimeOption{exo.WithStateManager(s), exo.WithLogger(zap.NewNop())}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan error, 1)
	go func() { done <- rt.Run(ctx) }()
	<-s.done
	cancel()
	if err := <-done; err != nil {
		tb.Errorf("Run: %v", err)
	}
	return rt
}

// Not parallel: it looks at the memory of the whole program.
func TestMemoryIsFlat(t *testing.T) {
	const workers = 16
	states := *memoryStates
	type sample struct {
		heap       uint64
		goroutines int
	}
	take := func() sample {
		runtime.GC()
		runtime.GC() // pools are emptied by the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return sample{m.HeapAlloc, runtime.NumGoroutine()}
	}
	before := take()
	var mu sync.Mutex
	var samples []sample
	calls := 0
	n := exo.Node("Do", func(_ context.Context, in Text, _ exo.None) (Text, error) {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls%(states/10) == 0 {
			samples = append(samples, take())
		}
		return in, nil
	})
	s := newEndless(states)
	rt := s.run(t, n, exo.WithWorkers(workers), exo.WithLease(30*time.Millisecond))
	if stats := rt.Stats(); stats.Executed != uint64(states) || stats.Reported != uint64(states) || stats.Unreported != 0 {
		t.Errorf("stats %+v", stats)
	}
	if s.beats == 0 {
		t.Error("no heartbeat: the leases are not seen")
	}
	first, last := samples[1], samples[len(samples)-2]
	t.Logf("%d states: heap %d KiB, then %d KiB; goroutines %d before, %d and %d while they run",
		states, first.heap>>10, last.heap>>10, before.goroutines, first.goroutines, last.goroutines)
	if last.heap > first.heap+512<<10 {
		t.Errorf("the heap grew from %d to %d bytes over %d states", first.heap, last.heap, states)
	}
	for i, s := range samples {
		// Run, claims, heartbeats, and up to 16 calls to report.
		if s.goroutines > before.goroutines+workers+24 {
			t.Errorf("sample %d: %d goroutines, %d before the start", i, s.goroutines, before.goroutines)
		}
	}
}

// BenchmarkWorker measures what a worker costs beside its node and its state
// manager.
func BenchmarkWorker(b *testing.B) {
	n := exo.Node("Do", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil })
	for _, workers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.ReportAllocs()
			s := newEndless(b.N)
			s.run(b, n, exo.WithWorkers(workers), exo.WithBatchSize(workers))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "states/s")
		})
	}
}
