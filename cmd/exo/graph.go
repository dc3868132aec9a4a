package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/graphfile"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
)

func graphCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:  "graph",
		Usage: "write, read and draw graphs",
		Commands: []*cli.Command{
			{
				Name:      "apply",
				Usage:     "write the graph of a file, and wait until it is validated",
				ArgsUsage: "FILE",
				Description: "FILE is JSON: the body of PUT /graph and the graph's name, as the method JSON of\n" +
					"exo.Graph writes it. Secrets that are null in it have to be given.",
				Flags: flags([]cli.Flag{&cli.StringSliceFlag{
					Name:  "secret",
					Usage: "`NAME=VALUE` of a secret that the file names, or NAME=env:VARIABLE, which other users of the machine cannot see; repeat for more",
				}, outputFlag()}, connection()),
				Action: connected(env, []string{"FILE"}, func(ctx context.Context, c *cli.Command, m *exo.StateManager, args []string) error {
					return applyGraph(ctx, env, c, m, args[0])
				}),
			},
			{
				Name: "get", Usage: "show a graph", ArgsUsage: "NAME",
				Flags: flags([]cli.Flag{outputFlag()}, connection()),
				Action: connected(env, []string{"NAME"}, func(ctx context.Context, c *cli.Command, m *exo.StateManager, args []string) error {
					g, err := m.GetGraph(ctx, args[0])
					if err != nil {
						return err
					}
					return show(env, c, graphOf(g), func(w io.Writer) error { return printGraph(w, g) })
				}),
			},
			{
				Name: "list", Usage: "list the graphs of the namespace",
				Flags: flags([]cli.Flag{outputFlag()}, connection()),
				Action: connected(env, nil, func(ctx context.Context, c *cli.Command, m *exo.StateManager, _ []string) error {
					return listGraphs(ctx, env, c, m)
				}),
			},
			renderCommand(env),
		},
	}
}

func applyGraph(ctx context.Context, env environment, c *cli.Command, m *exo.StateManager, file string) error {
	name, spec, err := readGraph(file)
	if err != nil {
		return err
	}
	if err := fillSecrets(env, c, spec.Secrets); err != nil {
		return err
	}
	g, err := m.UpsertSpec(ctx, name, spec)
	if err != nil {
		return err
	}
	return show(env, c, graphOf(g), func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "graph %s is %s: %d steps\n", cell(g.Name), g.Status, len(g.Nodes))
		return err
	})
}

func readGraph(file string) (name string, spec exo.GraphSpec, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", spec, err
	}
	name, spec, err = graphfile.Parse(data)
	if err != nil {
		return "", spec, fmt.Errorf("%s: %w", file, err)
	}
	return name, spec, nil
}

// fillSecrets gives the secrets of a graph the values of --secret. All that the
// graph names must have one, and no others may be given: those would be typing
// errors.
func fillSecrets(env environment, c *cli.Command, secrets transport.Secrets) error {
	given, err := pairs(c, "secret")
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, known := secrets[name]; !known {
			return usageError{fmt.Errorf("--secret: the graph has no secret %q; it has: %s", name, orNone(secrets.Names()))}
		}
		value := given[name]
		if variable, ok := strings.CutPrefix(value, "env:"); ok {
			value = env.getenv(variable)
			if value == "" {
				return usageError{fmt.Errorf("--secret: %s: the environment has no %s", name, variable)}
			}
		}
		secrets[name] = value
	}
	var missing []string
	for _, name := range secrets.Names() {
		if secrets[name] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return usageError{fmt.Errorf("secrets without a value: %s; give each by --secret NAME=env:VARIABLE", strings.Join(missing, ", "))}
	}
	return nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// graphOf is a graph for programs, by the names of the protocol.
func graphOf(g *exo.GraphInfo) exo.GraphInfo {
	shown := *g
	shown.Nodes, shown.Triggers = list(g.Nodes), list(g.Triggers)
	shown.SecretNames, shown.Errors = list(g.SecretNames), list(g.Errors)
	return shown
}

// list is items as JSON shows a list that is empty: [], not null.
func list[T any](items []T) []T { return append([]T{}, items...) }

func printGraph(w io.Writer, g *exo.GraphInfo) error {
	facts := [][2]string{
		{"graph", g.Name},
		{"namespace", g.Namespace},
		{"status", string(g.Status)},
		{"secrets", orNone(g.SecretNames)},
		{"retries", fmt.Sprintf("%d, %s, from %v", g.Retry.MaxRetries, g.Retry.Strategy, g.Retry.Backoff)},
		{"store", orNone(slices.Concat(g.Store.RequiredKeys, slices.Sorted(maps.Keys(g.Store.DefaultValues))))},
		{"updated", when(g.UpdatedAt)},
	}
	if g.Version > 0 {
		serving := "none: triggers are refused"
		if g.ServingVersion > 0 {
			serving = strconv.Itoa(g.ServingVersion)
		}
		facts = append(facts, [2]string{"version", strconv.Itoa(g.Version)}, [2]string{"serving", serving})
	}
	for _, t := range g.Triggers {
		facts = append(facts, [2]string{"trigger", strings.TrimSpace(t.Expression + " " + t.Timezone)})
	}
	for _, e := range graph.Distinct(g.Errors) {
		facts = append(facts, [2]string{"error", e})
	}
	for _, fact := range facts {
		if _, err := fmt.Fprintf(w, "%-10s %s\n", fact[0], cell(fact[1])); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	rows := make([][]string, len(g.Nodes))
	for i, p := range g.Nodes {
		unites := ""
		if p.Unites != nil {
			unites = fmt.Sprintf("%s %s", p.Unites.Identifier, p.Unites.Strategy)
		}
		rows[i] = []string{p.Identifier, p.Node, p.Namespace, strings.Join(p.Next, " "), unites}
	}
	return table(w, "STEP NODE NAMESPACE NEXT UNITES", rows)
}

func listGraphs(ctx context.Context, env environment, c *cli.Command, m *exo.StateManager) error {
	graphs, err := m.Graphs(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(graphs, func(a, b exo.GraphInfo) int { return strings.Compare(a.Name, b.Name) })
	all := make([]exo.GraphInfo, len(graphs))
	rows := make([][]string, len(graphs))
	for i := range graphs {
		g := &graphs[i]
		all[i] = graphOf(g)
		rows[i] = []string{g.Name, string(g.Status), strconv.Itoa(len(g.Nodes)), strconv.Itoa(len(g.Triggers)), when(g.UpdatedAt)}
	}
	return show(env, c, all, func(w io.Writer) error { return table(w, "GRAPH STATUS STEPS TRIGGERS UPDATED", rows) })
}
