// Command exo runs an Exosphere on one machine, and works with this or another
// one: it writes graphs, triggers them and looks after their runs. Its reference
// is docs/cli.md.
//
// Exit codes: 0 when all went well, 1 when a command failed or was refused, 2
// when it was called in a wrong way, 3 when the run that it waited for did not
// succeed. A process that a second signal ends exits as signals end processes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

const (
	exitFailed    = 1
	exitUsage     = 2
	exitRunFailed = 3
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
	_, _ = fmt.Fprintln(stderr, "exo:", strings.TrimPrefix(err.Error(), "exo: ")) // the package's name is the command's
	switch {
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.As(err, new(runFailedError)):
		return exitRunFailed
	}
	return exitFailed
}

// command is the whole command line.
func command(env environment) *cli.Command {
	root := &cli.Command{
		Name:  "exo",
		Usage: "run Exosphere workflows on one machine, and work with those of any",
		Description: "Commands that talk to a state manager read EXOSPHERE_STATE_MANAGER_URI,\n" +
			"EXOSPHERE_API_KEY and EXOSPHERE_NAMESPACE where --url, --api-key and --namespace\n" +
			"are not given.\n\n" +
			"Exit codes: 0 all went well; 1 failed, or refused by the state manager; 2 called\n" +
			"in a wrong way; 3 the run that was waited for did not succeed.",
		Writer:    env.stdout,
		ErrWriter: env.stderr,
		Commands: []*cli.Command{
			serveCommand(env),
			graphCommand(env),
			triggerCommand(env),
			runCommands(env),
			nodeCommand(env),
			versionCommand(env),
		},
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // run does
	}
	prepare(root)
	return root
}

// prepare has mistakes in the use of c, and of the commands below it, told as
// usageErrors, and commas in values of flags taken for what they are.
func prepare(c *cli.Command) {
	c.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usageError{err} }
	c.DisableSliceFlagSeparator = true
	for _, below := range c.Commands {
		prepare(below)
	}
	if c.Action == nil {
		c.Action = func(_ context.Context, c *cli.Command) error {
			if name := c.Args().First(); name != "" {
				return usageError{fmt.Errorf("no such command: %s; see %s help", strings.TrimPrefix(c.FullName()+" "+name, "exo "), c.FullName())}
			}
			if c.Root() == c {
				return cli.ShowRootCommandHelp(c)
			}
			return cli.ShowSubcommandHelp(c)
		}
	}
}

// A usageError is a command line that was wrong.
type usageError struct{ error }

// noArguments refuses what is left on the command line of a command that takes
// flags alone.
func noArguments(c *cli.Command) error {
	if extra := c.Args().First(); extra != "" {
		return usageError{fmt.Errorf("%s takes no argument, got %q", c.Name, extra)}
	}
	return nil
}

// arguments are what is left on the command line, which must be as many as there
// are names.
func arguments(c *cli.Command, names ...string) ([]string, error) {
	args := c.Args().Slice()
	if len(args) > len(names) {
		return nil, usageError{fmt.Errorf("%s: one argument too many: %q", c.FullName(), args[len(names)])}
	}
	if len(args) < len(names) {
		return nil, usageError{fmt.Errorf("%s: %s is missing", c.FullName(), names[len(args)])}
	}
	if i := slices.Index(args, ""); i >= 0 {
		return nil, usageError{fmt.Errorf("%s: %s is empty", c.FullName(), names[i])}
	}
	return args, nil
}
