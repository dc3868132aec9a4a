package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/exospherehost/exo-go/exo"
)

func runCommands(env environment) *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "look after runs",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "list runs, newest first",
				Flags: flags([]cli.Flag{
					&cli.StringFlag{Name: "graph", Usage: "only runs of the graph `NAME`"},
					&cli.StringSliceFlag{Name: "status", Usage: "only runs that are `STATUS`: pending, success, failed or cancelled; repeat for more"},
					&cli.IntFlag{Name: "limit", Value: 20, Usage: "list `N` runs at most; 0: all"},
					outputFlag(),
				}, connection()),
				Action: connected(env, nil, func(ctx context.Context, c *cli.Command, m *exo.StateManager, _ []string) error {
					return listRuns(ctx, env, c, m)
				}),
			},
			{
				Name: "show", Usage: "show the states of a run", ArgsUsage: "ID",
				Flags: flags([]cli.Flag{outputFlag()}, connection()),
				Action: connected(env, []string{"ID"}, func(ctx context.Context, c *cli.Command, m *exo.StateManager, args []string) error {
					g, err := m.Run(args[0]).Graph(ctx)
					if err != nil {
						return err
					}
					g.States, g.Edges = list(g.States), list(g.Edges)
					return show(env, c, statesJSON{args[0], g}, func(w io.Writer) error { return printStates(w, g) })
				}),
			},
			{
				Name: "wait", Usage: "wait until a run has finished, and show its states", ArgsUsage: "ID",
				Description: "On a terminal it shows the progress of the run on standard error. The exit code is\n" +
					"3 if the run did not succeed.",
				Flags: flags([]cli.Flag{timeoutFlag(), outputFlag()}, connection()),
				Action: connected(env, []string{"ID"}, func(ctx context.Context, c *cli.Command, m *exo.StateManager, args []string) error {
					return waitForRun(ctx, env, c, m.Run(args[0]))
				}),
			},
			{
				Name: "cancel", Usage: "cancel a run: states that have not finished never will", ArgsUsage: "ID",
				Flags: flags([]cli.Flag{outputFlag()}, connection()),
				Action: connected(env, []string{"ID"}, func(ctx context.Context, c *cli.Command, m *exo.StateManager, args []string) error {
					if err := m.Run(args[0]).Cancel(ctx); err != nil {
						return err
					}
					return show(env, c, runIDJSON{args[0]}, func(w io.Writer) error {
						_, err := fmt.Fprintf(w, "run %s is cancelled\n", args[0])
						return err
					})
				}),
			},
			{
				Name: "retry", Usage: "run a failed state again, or one whose worker died without a lease, and print the ID of the new state", ArgsUsage: "STATE_ID",
				Flags: flags([]cli.Flag{
					&cli.StringFlag{Name: "fanout-id", Usage: "any `ID`; the same one again is refused, so that a script retries once", DefaultText: "a new one"},
					outputFlag(),
				}, connection()),
				Action: connected(env, []string{"STATE_ID"}, func(ctx context.Context, c *cli.Command, m *exo.StateManager, args []string) error {
					id, err := m.RetryState(ctx, args[0], cmp.Or(c.String("fanout-id"), rand.Text()))
					if err != nil {
						return err
					}
					return show(env, c, map[string]string{"id": id}, func(w io.Writer) error {
						_, err := fmt.Fprintln(w, id)
						return err
					})
				}),
			},
			requeueCommand(env),
		},
	}
}

// runJSON is a run for programs, by the names of the protocol.
type runJSON struct {
	exo.RunInfo
	Cancelled int `json:"cancelled_count"`
}

func listRuns(ctx context.Context, env environment, c *cli.Command, m *exo.StateManager) error {
	var filters []exo.RunFilter
	if graph := c.String("graph"); graph != "" {
		filters = append(filters, exo.RunsOfGraph(graph))
	}
	statuses, err := runStatuses(c.StringSlice("status"))
	if err != nil {
		return err
	}
	if len(statuses) > 0 {
		filters = append(filters, exo.RunsWithStatus(statuses...))
	}
	limit := c.Int("limit")
	if limit < 0 {
		return usageError{errors.New("--limit must not be negative")}
	}
	runs, rows := []runJSON{}, [][]string(nil)
	for r, err := range m.Runs(ctx, filters...) {
		if err != nil {
			return err
		}
		// The protocol counts cancelled states in the total alone.
		cancelled := max(0, r.Total-r.Success-r.Pending-r.Errored-r.Retried)
		runs = append(runs, runJSON{r, cancelled})
		rows = append(rows, []string{
			r.ID, r.Graph, string(r.Status), strconv.Itoa(r.Success), strconv.Itoa(r.Pending),
			strconv.Itoa(r.Errored), strconv.Itoa(r.Retried), strconv.Itoa(cancelled), when(r.CreatedAt),
		})
		if len(runs) == limit {
			break
		}
	}
	return show(env, c, runs, func(w io.Writer) error {
		return table(w, "RUN GRAPH STATUS SUCCESS PENDING ERRORED RETRIED CANCELLED CREATED", rows)
	})
}

func runStatuses(names []string) ([]exo.RunStatus, error) {
	known := []exo.RunStatus{exo.RunPending, exo.RunSuccess, exo.RunFailed, exo.RunCancelled}
	var statuses []exo.RunStatus
	for _, name := range names {
		status := exo.RunStatus(strings.ToUpper(name))
		if !slices.Contains(known, status) {
			return nil, usageError{fmt.Errorf("--status is pending, success, failed or cancelled, not %q", name)}
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}

// statesJSON is the states of a run for programs, by the names of the protocol.
type statesJSON struct {
	RunID string `json:"run_id"`
	*exo.RunGraph
}

func printStates(w io.Writer, g *exo.RunGraph) error {
	rows := make([][]string, len(g.States))
	for i, s := range g.States {
		rows[i] = []string{s.ID, s.Identifier, s.Node, string(s.Status), s.Error}
	}
	if err := table(w, "STATE STEP NODE STATUS ERROR", rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\ngraph %s: %s\n", cell(g.Graph), summary(g.Summary))
	return err
}

// summary is the numbers of states by status.
func summary(counts map[exo.Status]int) string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	if len(parts) == 0 {
		return "no states"
	}
	return strings.Join(parts, ", ")
}
