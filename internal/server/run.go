package server

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// Run is a run, and at most so many of its states from the one in that place on,
// once it is terminal or wait has passed. The end of ctx ends the wait as well.
func (s *Server) Run(ctx context.Context, ns, runID string, wait time.Duration, from, most int) (transport.RunInfo, []transport.State, error) {
	if err := s.awaitRun(ctx, ns, runID, wait); err != nil {
		return transport.RunInfo{}, nil, err
	}
	return s.engine.RunPart(ns, runID, from, most)
}

// awaitRun waits until the run is terminal, wait has passed, ctx ends or the
// server is being closed, none of which is an error.
func (s *Server) awaitRun(ctx context.Context, ns, runID string, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	if s.idle != nil {
		if atRest, err := s.engine.AtRest(ns, runID); atRest || err != nil {
			return err
		}
		return s.idle(ctx, ns, runID)
	}
	timeout := make(chan struct{})
	defer s.clock.AfterFunc(wait, func() { close(timeout) }).Stop()
	for {
		// Listened to first: the run comes to rest before it is looked at, which
		// then shows, or after, which is then heard.
		rest := s.runs.join(runKey{ns, runID})
		atRest, err := s.engine.AtRest(ns, runID)
		if atRest || err != nil {
			s.runs.leave(rest)
			return err
		}
		select {
		case <-rest.reached:
			continue // it may have been set going again
		case <-timeout:
		case <-ctx.Done():
		case <-s.closing:
		}
		s.runs.leave(rest)
		return nil
	}
}

type runKey struct{ namespace, id string }

// runWaiters are the callers that wait for runs to come to rest. Like that of
// claimWaiters, its lock is taken under the engine's.
type runWaiters struct {
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

func (r *runWaiters) init() { r.runs = map[runKey]*rest{} }

func (r *runWaiters) join(key runKey) *rest {
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
func (r *runWaiters) leave(run *rest) {
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
func (r *runWaiters) wake(ns, runID string) {
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
