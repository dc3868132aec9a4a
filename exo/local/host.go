package local

import (
	"context"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// host is the state manager as its HTTP handler sees it: what the engine does
// not do by itself.
type host struct{ s *StateManager }

func (h host) Now() time.Time { return time.Now() }

func (h host) Claim(ctx context.Context, namespace string, req transport.ClaimRequest) ([]transport.State, error) {
	return h.s.claim(ctx, namespace, req)
}

func (h host) AwaitRun(ctx context.Context, namespace, runID string, wait time.Duration) error {
	return h.s.awaitRun(ctx, namespace, runID, wait)
}

func (h host) Recheck() { h.s.clock.wake() }
