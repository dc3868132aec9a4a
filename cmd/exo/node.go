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

// nodeJSON is a node for programs, by the names of the protocol.
type nodeJSON struct {
	Name          string          `json:"name"`
	Namespace     string          `json:"namespace"`
	Runtime       string          `json:"runtime_name"`
	InputsSchema  json.RawMessage `json:"inputs_schema"`
	OutputsSchema json.RawMessage `json:"outputs_schema"`
	Secrets       []string        `json:"secrets"`
}

func listNodes(ctx context.Context, env environment, c *cli.Command, m *exo.StateManager) error {
	nodes, err := m.Nodes(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(nodes, func(a, b exo.NodeInfo) int { return strings.Compare(a.Name, b.Name) })
	all := make([]nodeJSON, len(nodes))
	rows := make([][]string, len(nodes))
	for i, n := range nodes {
		all[i] = nodeJSON{n.Name, n.Namespace, n.Runtime, n.InputsSchema, n.OutputsSchema, list(n.Secrets)}
		rows[i] = []string{n.Name, n.Runtime, fieldsOf(n.InputsSchema), fieldsOf(n.OutputsSchema), strings.Join(n.Secrets, " ")}
	}
	return show(env, c, all, func(w io.Writer) error { return table(w, "NODE RUNTIME INPUTS OUTPUTS SECRETS", rows) })
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
