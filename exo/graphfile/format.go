// Package graphfile parses, formats and draws graph files, for tools that handle
// graphs without their types, such as the command exo. Programs build graphs
// with exo.NewGraph.
//
// A graph file is the body of PUT /graph (protocol.md §4) with the name of the
// graph. It holds the names of secrets, not their values.
package graphfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/draw"
)

type file struct {
	Name     string                  `json:"name"`
	Secrets  map[string]*string      `json:"secrets"`
	Nodes    []placement             `json:"nodes"`
	Retry    *transport.RetryPolicy  `json:"retry_policy,omitempty"`
	Store    *transport.StoreConfig  `json:"store_config,omitempty"`
	Triggers []transport.CronTrigger `json:"triggers,omitempty"`
}

// placement is a placement that leaves out members with default values.
type placement struct {
	Node       string            `json:"node_name"`
	Namespace  string            `json:"namespace,omitempty"`
	Identifier string            `json:"identifier"`
	Inputs     map[string]string `json:"inputs"`
	Next       []string          `json:"next_nodes,omitempty"`
	Unites     *transport.Unites `json:"unites,omitempty"`
}

// Format returns a graph as an indented file that [Parse] reads. Secrets are
// written by name, with null in place of their values. Format does not check
// whether the graph can run; exo.Graph.JSON does.
func Format(name string, spec transport.GraphSpec) ([]byte, error) {
	f := file{
		Name:     name,
		Secrets:  make(map[string]*string, len(spec.Secrets)),
		Nodes:    make([]placement, len(spec.Nodes)),
		Retry:    spec.Retry,
		Triggers: spec.Triggers,
	}
	for secret := range spec.Secrets {
		f.Secrets[secret] = nil
	}
	for i, p := range spec.Nodes {
		f.Nodes[i] = placement(p)
	}
	if len(spec.Store.RequiredKeys) > 0 || len(spec.Store.DefaultValues) > 0 {
		f.Store = &transport.StoreConfig{
			RequiredKeys:  append([]string{}, spec.Store.RequiredKeys...),
			DefaultValues: map[string]string{},
		}
		maps.Copy(f.Store.DefaultValues, spec.Store.DefaultValues)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // keep inputs readable
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return nil, fmt.Errorf("exo: encode graph %q: %w", name, err)
	}
	return b.Bytes(), nil
}

// Mermaid draws a graph in Mermaid's flowchart language, which GitHub shows in
// Markdown. Nodes in a namespace other than the given one are shown with it.
func Mermaid(name, namespace string, spec transport.GraphSpec) string {
	return draw.Spec(name, namespace, spec).Mermaid()
}

// DOT draws a graph in the language of Graphviz. Nodes in a namespace other than
// the given one are shown with it.
func DOT(name, namespace string, spec transport.GraphSpec) string {
	return draw.Spec(name, namespace, spec).DOT()
}
