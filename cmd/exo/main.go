// Command exo runs an Exosphere on one machine.
//
// Exit codes: 0 when all went well, 1 when a command failed, 2 when it was
// called in a wrong way. A process that a second signal ends exits as signals
// end processes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/urfave/cli/v3"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
}

// An environment is what a command may know of the process that it runs in.
type environment struct {
	stdout, stderr io.Writer
	getenv         func(string) string
}

// run runs one command and gives its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	env := environment{stdout, stderr, getenv}
	err := command(env).Run(ctx, slices.Concat([]string{"exo"}, args))
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(stderr, "exo:", err)
	var u usageError
	if errors.As(err, &u) {
		return exitUsage
	}
	return exitFailed
}

// command is the whole command line.
func command(env environment) *cli.Command {
	root := &cli.Command{
		Name:      "exo",
		Usage:     "run Exosphere workflows on one machine",
		Writer:    env.stdout,
		ErrWriter: env.stderr,
		Commands: []*cli.Command{
			serveCommand(env),
			versionCommand(env),
		},
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // run does
		Action: func(_ context.Context, c *cli.Command) error {
			if name := c.Args().First(); name != "" {
				return usageError{fmt.Errorf("no such command: %s; see exo help", name)}
			}
			return cli.ShowRootCommandHelp(c)
		},
	}
	misused(root)
	for _, c := range root.Commands {
		misused(c)
	}
	return root
}

// A usageError is a command line that was wrong.
type usageError struct{ error }

// misused has errors about the flags of c told as usageErrors.
func misused(c *cli.Command) {
	c.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usageError{err} }
}

// noArguments refuses what is left on the command line of a command that takes
// flags alone.
func noArguments(c *cli.Command) error {
	if extra := c.Args().First(); extra != "" {
		return usageError{fmt.Errorf("%s takes no argument, got %q", c.Name, extra)}
	}
	return nil
}
