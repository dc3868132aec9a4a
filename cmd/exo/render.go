package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/graphfile"
)

func renderCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:      "render",
		Usage:     "draw a graph",
		ArgsUsage: "FILE|NAME",
		Description: "What is the name of a file that exists, or has a path or the ending .json, is a\n" +
			"file, which takes no state manager to draw. Anything else is the name of a graph.\n\n" +
			"svg is drawn by the program dot of Graphviz, which has to be installed.",
		Flags: flags([]cli.Flag{&cli.StringFlag{
			Name: "format", Aliases: []string{"f"}, Value: "mermaid", Usage: "`FORMAT` of the drawing: mermaid, dot or svg", DefaultText: "mermaid",
		}}, connection()),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, "FILE|NAME")
			if err != nil {
				return err
			}
			return render(ctx, env, c, args[0])
		},
	}
}

func render(ctx context.Context, env environment, c *cli.Command, what string) error {
	format := c.String("format")
	switch format {
	case "mermaid", "dot", "svg":
	default:
		return usageError{fmt.Errorf("--format is mermaid, dot or svg, not %q", format)}
	}
	name, namespace, spec, err := graphToRender(ctx, env, c, what)
	if err != nil {
		return err
	}
	switch format {
	case "mermaid":
		_, err = io.WriteString(env.stdout, graphfile.Mermaid(name, namespace, spec))
	case "dot":
		_, err = io.WriteString(env.stdout, graphfile.DOT(name, namespace, spec))
	default:
		err = svg(ctx, env, graphfile.DOT(name, namespace, spec))
	}
	return err
}

// graphToRender reads a graph from a file, or from the state manager.
func graphToRender(ctx context.Context, env environment, c *cli.Command, what string) (name, namespace string, spec exo.GraphSpec, err error) {
	if isFile(what) {
		name, spec, err = readGraph(what)
		return name, c.String("namespace"), spec, err
	}
	m, err := newClient(env, c)
	if err != nil {
		return "", "", spec, err
	}
	defer m.http.CloseIdleConnections()
	g, err := m.GetGraph(ctx, what)
	if err != nil {
		return "", "", spec, err
	}
	return g.Name, m.Namespace(), exo.GraphSpec{Nodes: g.Nodes}, nil
}

func isFile(what string) bool {
	if filepath.Base(what) != what || strings.HasSuffix(what, ".json") {
		return true
	}
	info, err := os.Stat(what)
	return err == nil && !info.IsDir()
}

// svg has Graphviz draw. A library for that would weigh more than the rest of
// this command.
func svg(ctx context.Context, env environment, dot string) error {
	program, err := exec.LookPath("dot")
	if err != nil {
		return fmt.Errorf("svg is drawn by Graphviz, whose program dot is not to be found: "+
			"install the package graphviz, or use --format mermaid: %w", err)
	}
	var drawn, complaint bytes.Buffer
	draw := exec.CommandContext(ctx, program, "-Tsvg") //nolint:gosec // it is dot
	draw.Stdin, draw.Stdout, draw.Stderr = strings.NewReader(dot), &drawn, &complaint
	if err := draw.Run(); err != nil {
		return errors.Join(fmt.Errorf("draw by %s: %w", program, err), errors.New(cell(complaint.String())))
	}
	_, err = drawn.WriteTo(env.stdout)
	return err
}
