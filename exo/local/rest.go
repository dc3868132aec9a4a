package local

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// awaitRun waits until the run is at rest, wait has passed, ctx ends or the
// state manager is being closed; it gives an error only for an unknown run.
func (s *StateManager) awaitRun(ctx context.Context, ns, runID string, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		// Listened to first: the run comes to rest before it is looked at, which
		// then shows, or after, which is then heard.
		rest := s.rests.join(runKey{ns, runID})
		atRest, err := s.engine.AtRest(ns, runID)
		if atRest || err != nil {
			s.rests.leave(rest)
			return err
		}
		select {
		case <-rest.reached:
			continue // it may have been set going again
		case <-timeout.C:
		case <-ctx.Done():
		case <-s.closing:
		}
		s.rests.leave(rest)
		return nil
	}
}

type runKey struct{ namespace, id string }

// restWaiters are the callers that wait for runs to come to rest. Like that of
// claimWaiters, its lock is taken under the engine's.
type restWaiters struct {
	count atomic.Int64 // of those that wait

	mu   sync.Mutex
	runs map[runKey]*rest
}

// A rest is that of one run, which all who wait for it share.
type rest struct {
	key     runKey
	waiters int
	reached chan struct{} // closed when it is
}

func (r *restWaiters) init() { r.runs = map[runKey]*rest{} }

func (r *restWaiters) join(key runKey) *rest {
	r.count.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	run := r.runs[key]
	if run == nil {
		run = &rest{key: key, reached: make(chan struct{})}
		r.runs[key] = run
	}
	run.waiters++
	return run
}

// leave is for those whose waiting has ended in another way.
func (r *restWaiters) leave(run *rest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.runs[run.key] != run {
		return // reached in the meantime
	}
	r.count.Add(-1)
	if run.waiters--; run.waiters == 0 {
		delete(r.runs, run.key)
	}
}

// wake hears, under the engine's lock, of a run that has come to rest.
func (r *restWaiters) wake(ns, runID string) {
	if r.count.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := runKey{ns, runID}
	if run := r.runs[key]; run != nil {
		r.count.Add(-int64(run.waiters))
		delete(r.runs, key)
		close(run.reached)
	}
}
