package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"
)

// configureCompletion has the command that prints completion scripts look like
// the others.
func configureCompletion(c *cli.Command) {
	c.Hidden = false
	c.Usage = "print a script that lets a shell complete commands and flags"
	c.Description = "Load the script in each session, in bash, zsh and fish:\n\n" +
		"   source <(exo completion bash)        # in ~/.bashrc\n" +
		"   source <(exo completion zsh)         # in ~/.zshrc, after compinit\n" +
		"   exo completion fish | source         # in ~/.config/fish/config.fish\n\n" +
		"PowerShell takes the name of the command from that of the file:\n\n" +
		"   exo completion pwsh > exo.ps1        # once\n" +
		"   . ./exo.ps1                          # in $PROFILE, by its whole path"
	for _, shell := range c.Commands {
		shell.Usage = "print the script for " + shell.Name
		if shell.Name == "pwsh" {
			shell.Usage = "print the script for PowerShell"
			shell.Aliases = []string{"powershell"}
		}
	}
	prepare(c, "exo "+c.Name)
}

// complete offers the commands below c that begin as its argument does: not all
// shells leave out the others by themselves. Flags are the library's matter.
func complete(ctx context.Context, c *cli.Command) {
	begun := ""
	if args := c.Args().Slice(); len(args) > 0 {
		begun = args[len(args)-1]
	}
	if strings.HasPrefix(begun, "-") {
		cli.DefaultCompleteWithFlags(ctx, c)
		return
	}
	for _, below := range c.VisibleCommands() {
		if strings.HasPrefix(below.Name, begun) {
			_, _ = fmt.Fprintf(c.Root().Writer, "%s:%s\n", below.Name, below.Usage)
		}
	}
}
