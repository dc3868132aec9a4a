package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
)

func requeueCommand(env environment) *cli.Command {
	return &cli.Command{
		Name: "requeue", Usage: "requeue the QUEUED states of a run that no runtime works on any more", ArgsUsage: "ID",
		Description: "For workers that have died: a state that they claimed without a lease stays QUEUED\n" +
			"for ever. Each such state becomes RETRY_CREATED, and a new one in its place is due at\n" +
			"once. What a worker that is alive after all still reports has no effect. A state under\n" +
			"a lease comes back by itself, and is left alone.",
		Flags: flags([]cli.Flag{
			&cli.StringSliceFlag{Name: "state", Usage: "only the state with that `ID`; repeat for more", DefaultText: "all that are QUEUED"},
			outputFlag(),
		}, connection()),
		Action: connected(env, []string{"ID"}, func(ctx context.Context, c *cli.Command, m *exo.StateManager, args []string) error {
			return requeue(ctx, env, c, m, args[0])
		}),
	}
}

// requeuedJSON is a state that has been requeued, and the one in its place.
type requeuedJSON struct {
	ID         string `json:"id"`
	Identifier string `json:"identifier"`
	NewID      string `json:"new_id"`
}

// requeue retries states by hand. Those that are refused keep no others from it.
func requeue(ctx context.Context, env environment, c *cli.Command, m *exo.StateManager, runID string) error {
	g, err := m.Run(runID).Graph(ctx)
	if err != nil {
		return err
	}
	states, err := queuedStates(g, c.StringSlice("state"))
	if err != nil {
		return err
	}
	requeued, rows := []requeuedJSON{}, [][]string(nil)
	var refused []error
	for _, s := range states {
		id, err := m.RetryState(ctx, s.ID, rand.Text())
		if err != nil {
			refused = append(refused, err)
			continue
		}
		requeued = append(requeued, requeuedJSON{s.ID, s.Identifier, id})
		rows = append(rows, []string{s.ID, s.Identifier, id})
	}
	shown := show(env, c, requeued, func(w io.Writer) error {
		if len(states) == 0 {
			_, err := fmt.Fprintf(w, "run %s has no QUEUED state\n", runID)
			return err
		}
		return table(w, "STATE STEP NEW_STATE", rows)
	})
	return errors.Join(errors.Join(refused...), shown)
}

// queuedStates are the states of a run that are QUEUED, or those of them that
// ids names, which must be.
func queuedStates(g *exo.RunGraph, ids []string) ([]transport.StateNode, error) {
	var found []transport.StateNode
	for _, s := range g.States {
		named := slices.Contains(ids, s.ID)
		switch {
		case named && s.Status != transport.StatusQueued:
			return nil, fmt.Errorf("state %s is %s, not QUEUED", s.ID, s.Status)
		case s.Status == transport.StatusQueued && (named || len(ids) == 0):
			found = append(found, s)
		}
	}
	for _, id := range ids {
		if !slices.ContainsFunc(g.States, func(s transport.StateNode) bool { return s.ID == id }) {
			return nil, fmt.Errorf("the run has no state %s", id)
		}
	}
	return found, nil
}
