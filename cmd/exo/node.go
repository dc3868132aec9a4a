package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
)

func nodeCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:  "node",
		Usage: "look at the nodes that runtimes have registered",
		Commands: []*cli.Command{{
			Name: "list", Usage: "list the nodes of the namespace, with their fields",
			Flags: flags([]cli.Flag{outputFlag()}, connection()),
			Action: connected(env, nil, func(ctx context.Context, c *cli.Command, m *exo.StateManager, _ []string) error {
				return listNodes(ctx, env, c, m)
			}),
		}},
	}
}

func listNodes(ctx context.Context, env environment, c *cli.Command, m *exo.StateManager) error {
	nodes, err := m.Nodes(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(nodes, func(a, b transport.NodeInfo) int { return strings.Compare(a.Name, b.Name) })
	rows := make([][]string, len(nodes))
	for i, n := range nodes {
		nodes[i].Secrets = list(n.Secrets)
		rows[i] = []string{n.Name, n.Runtime, fieldsOf(n.InputsSchema), fieldsOf(n.OutputsSchema), strings.Join(n.Secrets, " ")}
	}
	return show(env, c, nodes, func(w io.Writer) error { return table(w, "NODE RUNTIME INPUTS OUTPUTS SECRETS", rows) })
}

// fieldsOf are the names of the fields of a schema.
func fieldsOf(schema json.RawMessage) string {
	var s struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(schema, &s) != nil {
		return "?"
	}
	return strings.Join(slices.Sorted(maps.Keys(s.Properties)), " ")
}
