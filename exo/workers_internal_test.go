package exo

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// A bounded group of workers, as slots bound what is added to them.
type boundedWorkers struct {
	*workers
	slots chan struct{}
}

func newBoundedWorkers(n int, execute func(*execution)) boundedWorkers {
	b := boundedWorkers{slots: make(chan struct{}, n)}
	b.workers = newWorkers(n, func(e *execution) {
		defer func() { <-b.slots }()
		execute(e)
	})
	return b
}

func (b boundedWorkers) add(e *execution) {
	b.slots <- struct{}{}
	b.workers.add(e)
}

func (b boundedWorkers) stop() {
	b.close()
	b.wait()
}

// Nodes that wait do so at the same time, whatever was executed before.
func TestWorkersExecuteAtOnce(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]int{"none started yet": 0, "some parked": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const n = 8
				var executing, blocking atomic.Int64
				release := make(chan struct{})
				b := newBoundedWorkers(n, func(*execution) {
					executing.Add(1)
					defer executing.Add(-1)
					if blocking.Load() > 0 {
						<-release
					}
				})
				for range before {
					b.add(new(execution))
					synctest.Wait()
				}
				blocking.Store(1)
				for range n {
					b.add(new(execution))
				}
				synctest.Wait()
				if got := executing.Load(); got != n {
					t.Errorf("%d execute at once, want %d", got, n)
				}
				close(release)
				b.stop()
			})
		})
	}
}

// Nodes that come one at a time, or end at once, need one goroutine.
func TestWorkersAreStartedWhenNeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBoundedWorkers(64, func(*execution) {})
		for range 100 {
			b.add(new(execution))
			synctest.Wait()
		}
		b.mu.Lock()
		defer func() { b.mu.Unlock(); b.stop() }()
		if b.alive != 1 || len(b.parked) != 1 {
			t.Errorf("%d workers are alive, %d of them parked, want one", b.alive, len(b.parked))
		}
	})
}

// Each state is executed once, by no more workers than there are to be, although
// some take their goroutine along.
func TestWorkersExecuteEachOnce(t *testing.T) {
	t.Parallel()
	const n, adders, each = 4, 3, 2000
	var (
		wg       sync.WaitGroup
		executed atomic.Int64
		seen     sync.Map
	)
	var b boundedWorkers
	b = newBoundedWorkers(n, func(e *execution) {
		if _, again := seen.LoadOrStore(e, true); again {
			t.Error("executed twice")
		}
		b.mu.Lock()
		if b.alive > n {
			t.Errorf("%d workers are alive, want at most %d", b.alive, n)
		}
		b.mu.Unlock()
		switch executed.Add(1) % 7 {
		case 0:
			runtime.Goexit()
		case 1:
			runtime.Gosched()
		}
	})
	for range adders {
		wg.Go(func() {
			for range each {
				b.add(new(execution))
			}
		})
	}
	wg.Wait()
	b.stop()
	if got := executed.Load(); got != adders*each {
		t.Errorf("executed %d, want %d", got, adders*each)
	}
}
