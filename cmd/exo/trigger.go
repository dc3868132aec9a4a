package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v3"

	"github.com/exospherehost/exo-go/exo"
)

func triggerCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:      "trigger",
		Usage:     "start a run of a graph, and print its ID",
		ArgsUsage: "GRAPH",
		Description: "With --wait it goes on as exo run wait does, and the exit code is 3 if the run did\n" +
			"not succeed.",
		Flags: flags([]cli.Flag{
			&cli.StringSliceFlag{Name: "input", Usage: "`NAME=VALUE` of an input of the root step; repeat for more"},
			&cli.StringSliceFlag{Name: "store", Usage: "`NAME=VALUE` of a key of the run's store; repeat for more"},
			&cli.DurationFlag{Name: "delay", Usage: "begin the run after a `DURATION`, such as 90s", DefaultText: "at once"},
			&cli.BoolFlag{Name: "wait", Usage: "wait until the run has finished, and show its states"},
			timeoutFlag(), outputFlag(),
		}, connection()),
		Action: connected(env, []string{"GRAPH"}, func(ctx context.Context, c *cli.Command, m *exo.StateManager, args []string) error {
			inputs, err := pairs(c, "input")
			if err != nil {
				return err
			}
			store, err := pairs(c, "store")
			if err != nil {
				return err
			}
			switch {
			case c.Duration("delay") < 0:
				return usageError{errors.New("--delay must not be negative")}
			case c.IsSet("timeout") && !c.Bool("wait"):
				return usageError{errors.New("--timeout goes with --wait")}
			}
			run, err := m.Trigger(ctx, args[0], exo.TriggerOptions{Inputs: inputs, Store: store, StartDelay: c.Duration("delay")})
			if err != nil {
				return err
			}
			if c.Bool("wait") {
				if isTerminal(env.stderr) { // for those who will not wait to its end
					_, _ = fmt.Fprintln(env.stderr, "run", run.ID)
				}
				return waitForRun(ctx, env, c, run)
			}
			return show(env, c, runIDJSON{run.ID}, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, run.ID)
				return err
			})
		}),
	}
}

type runIDJSON struct {
	RunID string `json:"run_id"`
}
