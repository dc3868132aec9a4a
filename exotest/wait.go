package exotest

import (
	"context"
	"net/http"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// claim is the engine's, with waiting where time passes.
func (n *namespace) claim(ctx context.Context, req transport.ClaimRequest) ([]transport.State, error) {
	return attempt(ctx, n, "claim", func() ([]transport.State, error) {
		defer n.m.rearm() // leases may have been granted
		deadline := n.m.clock.now().Add(req.Wait)
		for {
			changed := n.m.change()
			now := n.m.clock.now()
			states := n.m.engine.Claim(now, n.name, req)
			switch {
			case len(states) > 0 || req.Wait <= 0 || req.Max <= 0 || !now.Before(deadline):
				return states, nil
			case !n.m.clock.bubble:
				return nil, noTime("claim", "a runtime cannot wait for states here, where time does not pass by itself: "+
					"make the state manager in a bubble of testing/synctest (see exotest.Bubble), or use its Drive")
			}
			wake := deadline
			if due, ok := n.m.engine.NextDue(n.name, req.Nodes); ok && due.Before(wake) {
				wake = due
			}
			timer := time.NewTimer(wake.Sub(now))
			select {
			case <-changed:
			case <-timer.C:
			case <-req.Stop:
				timer.Stop()
				return nil, nil
			case <-ctx.Done():
				timer.Stop()
				return nil, ended("claim", ctx.Err())
			}
			timer.Stop()
		}
	})
}

// awaitRun waits until a run is at rest or wait has passed. Where time does not
// pass by itself it drives the run to its rest, however long that takes.
func (n *namespace) awaitRun(ctx context.Context, runID string, wait time.Duration) error {
	deadline := n.m.clock.now().Add(wait)
	for {
		changed := n.m.change()
		atRest, err := n.m.engine.AtRest(n.name, runID)
		now := n.m.clock.now()
		switch {
		case err != nil || atRest || !now.Before(deadline):
			return err
		case !n.m.clock.bubble:
			if err := n.m.driveRun(ctx, n.m.t, n.name, runID); err != nil {
				return noTime("run", err.Error())
			}
			return nil
		}
		timer := time.NewTimer(deadline.Sub(now))
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ended("run", ctx.Err())
		}
		timer.Stop()
	}
}

// noTime is the error of a call that would wait for ever, and that no further
// attempt mends.
func noTime(op, message string) error {
	return &transport.Error{Op: op, Status: http.StatusUnprocessableEntity, Message: "exotest: " + message}
}
