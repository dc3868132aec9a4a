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
	var wrong misuse
	if errors.As(err, &wrong) {
		_, _ = fmt.Fprintf(stderr, "%s: %v\nUsage: %s\nSee %s --help.\n", wrong.command, wrong.error, wrong.usage, wrong.command)
		return exitUsage
	}
	_, _ = fmt.Fprintln(stderr, "exo:", strings.TrimPrefix(err.Error(), "exo: ")) // the package's name is the command's
	if errors.As(err, new(runFailedError)) {
		return exitRunFailed
	}
	return exitFailed
}

// command is the whole command line.
func command(env environment) *cli.Command {
	root := &cli.Command{
		Name:    "exo",
		Usage:   "run Exosphere workflows on one machine, and work with those of any",
		Version: version(),
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
			helpCommand(),
		},
		HideHelpCommand:                 true, // there is one of our own
		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: configureCompletion,
		ExitErrHandler:                  func(context.Context, *cli.Command, error) {}, // run does
	}
	prepare(root, "exo")
	return root
}
