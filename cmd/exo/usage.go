package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// A usageError is a command line that was wrong.
type usageError struct{ error }

// A misuse is a usageError, and how the command is to be used.
type misuse struct {
	error

	command, usage string
}

func misused(c *cli.Command, err error) error {
	if errors.As(err, new(usageError)) {
		return misuse{err, c.FullName(), c.UsageText}
	}
	return err
}

// prepare gives c, whose full name is name, and the commands below it what they
// all have: a line of usage, errors that show it, help that wins over whatever
// else is on the command line, and values of flags that may hold commas.
func prepare(c *cli.Command, name string) {
	c.DisableSliceFlagSeparator = true
	c.ShellComplete = complete
	c.OnUsageError = func(_ context.Context, c *cli.Command, err error, _ bool) error {
		return misused(c, usageError{flagError(err)})
	}
	c.CommandNotFound = func(_ context.Context, c *cli.Command, _ string) { showHelp(c) }
	for _, below := range c.Commands {
		prepare(below, name+" "+below.Name)
	}
	act := c.Action
	if act == nil {
		name += " COMMAND"
		act = showCommands
	}
	c.Action = func(ctx context.Context, c *cli.Command) error { return misused(c, act(ctx, c)) }
	c.UsageText = strings.TrimSpace(name + " " + c.ArgsUsage)
	if len(c.Flags) > 0 {
		c.UsageText += " [options]"
	}
}

// showCommands is the action of a command that has others below it.
func showCommands(_ context.Context, c *cli.Command) error {
	switch name := c.Args().First(); name {
	case "":
		showHelp(c)
		return nil
	case "help":
		return help(c, c.Args().Tail())
	default:
		return unknownCommand(c, name)
	}
}

func unknownCommand(c *cli.Command, name string) error {
	return misused(c, usageError{fmt.Errorf("unknown command %q", name)})
}

func helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Aliases:   []string{"h"},
		Usage:     "show the help of a command",
		ArgsUsage: "[COMMAND]",
		Action: func(_ context.Context, c *cli.Command) error {
			return help(c.Root(), c.Args().Slice())
		},
	}
}

// help shows the help of the command below c that names leads to.
func help(c *cli.Command, names []string) error {
	for _, name := range names {
		below := c.Command(name)
		if below == nil {
			return unknownCommand(c, name)
		}
		c = below
	}
	showHelp(c)
	return nil
}

func showHelp(c *cli.Command) {
	template := cli.SubcommandHelpTemplate
	switch {
	case c.Root() == c:
		template = cli.RootCommandHelpTemplate
	case len(c.VisibleCommands()) == 0:
		template = cli.CommandHelpTemplate
	}
	cli.HelpPrinter(c.Root().Writer, template, c)
}

// flagError says what is wrong about a flag as the other errors say it.
func flagError(err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return fmt.Errorf("unknown flag %s", dashed(name))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: "); ok {
		return fmt.Errorf("%s needs a value", dashed(strings.TrimLeft(name, "-")))
	}
	if rest, ok := strings.CutPrefix(text, "invalid value "); ok {
		if value, rest, ok := strings.Cut(rest, " for flag -"); ok {
			name, _, _ := strings.Cut(rest, ":")
			return fmt.Errorf("invalid value %s for %s", value, dashed(name))
		}
	}
	return err
}

// dashed is the name of a flag as it is written.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// noArguments refuses what is left on the command line of a command that takes
// flags alone.
func noArguments(c *cli.Command) error {
	_, err := arguments(c)
	return err
}

// arguments are what is left on the command line, which must be as many as there
// are names.
func arguments(c *cli.Command, names ...string) ([]string, error) {
	args := c.Args().Slice()
	if len(args) > len(names) {
		return nil, usageError{fmt.Errorf("unexpected argument %q", args[len(names)])}
	}
	if len(args) < len(names) {
		return nil, usageError{fmt.Errorf("the argument %s is missing", names[len(args)])}
	}
	if i := slices.Index(args, ""); i >= 0 {
		return nil, usageError{fmt.Errorf("the argument %s is empty", names[i])}
	}
	return args, nil
}
