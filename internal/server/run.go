package server

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// Run returns a run and a part of its states. It waits until the run is
// terminal, wait has passed or ctx has ended.
func (s *Server) Run(ctx context.Context, ns, runID string, wait time.Duration, part statemanager.Part) (transport.RunInfo, []transport.State, error) {
	if err := s.awaitRun(ctx, ns, runID, wait); err != nil {
		return transport.RunInfo{}, nil, err
	}
	return s.RunPart(ns, runID, part)
}

// awaitRun waits until the run is terminal, wait has passed, ctx has ended or
// the server is closing. None of these is an error.
func (s *Server) awaitRun(ctx context.Context, ns, runID string, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	if s.idle != nil {
		if atRest, err := s.AtRest(ns, runID); atRest || err != nil {
			return err
		}
		return s.idle(ctx, ns, runID)
	}
	timeout := make(chan struct{})
	defer s.clock.AfterFunc(wait, func() { close(timeout) }).Stop()
	for {
		// Join first: a run that becomes terminal before the check below is
		// seen by that check, and one that does so later closes the channel.
		rest := s.runs.join(runKey{ns, runID})
		atRest, err := s.AtRest(ns, runID)
		if atRest || err != nil {
			s.runs.leave(rest)
			return err
		}
		select {
		case <-rest.reached:
			continue // the run may be pending again
		case <-timeout:
		case <-ctx.Done():
		case <-s.closing:
		}
		s.runs.leave(rest)
		return nil
	}
}

type runKey struct{ namespace, id string }

// anyRun is the key of the waiters for whichever run becomes terminal next.
var anyRun = runKey{}

// runWaiters holds the callers that wait for runs to become terminal. Like that
// of claimWaiters, its lock is taken while the engine's is held.
type runWaiters struct {
	count atomic.Int64 // number of waiters

	mu   sync.Mutex
	runs map[runKey]*rest
}

// A rest is the end of one run. All callers that wait for the run share it.
type rest struct {
	key     runKey
	waiters int
	reached chan struct{} // closed when the run is terminal
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

// leave ends a wait that the run has not ended.
func (r *runWaiters) leave(run *rest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.runs[run.key] != run {
		return // the run has become terminal in the meantime
	}
	r.count.Add(-1)
	if run.waiters--; run.waiters == 0 {
		delete(r.runs, run.key)
	}
}

// wake is called under the engine's lock when a run becomes terminal.
func (r *runWaiters) wake(ns, runID string) {
	if r.count.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range []runKey{{ns, runID}, anyRun} {
		if run := r.runs[key]; run != nil {
			r.count.Add(-int64(run.waiters))
			delete(r.runs, key)
			close(run.reached)
		}
	}
}
