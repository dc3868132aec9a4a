package server

import (
	"context"

	"github.com/exospherehost/exo-go/internal/statemanager"
)

// ErrDraining is the cause of the error of triggers after [Server.Drain].
var ErrDraining = statemanager.ErrDraining

// Drain lets no more runs start. Runs that have started go on.
func (s *Server) Drain() { s.engine.Drain() }

// AwaitRuns waits until every run is terminal, and returns nil, or until ctx has
// ended or the server is closing. It is meant for after [Server.Drain]: otherwise
// other runs may have started when it returns.
func (s *Server) AwaitRuns(ctx context.Context) error {
	for {
		// Join first: see awaitRun.
		rest := s.runs.join(anyRun)
		if len(s.engine.Unfinished()) == 0 {
			s.runs.leave(rest)
			return nil
		}
		select {
		case <-rest.reached:
		case <-ctx.Done():
			s.runs.leave(rest)
			return context.Cause(ctx)
		case <-s.closing:
			s.runs.leave(rest)
			return ErrClosed
		}
	}
}

// Unfinished returns the number of runs that are not terminal, by namespace.
// Namespaces without such runs are left out.
func (s *Server) Unfinished() map[string]int { return s.engine.Unfinished() }

// Pending returns the pending states of all runs, by node.
func (s *Server) Pending() []statemanager.Pending { return s.engine.Pending(s.clock.Now()) }
