package transport

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

type wireGraphSpec struct {
	Secrets  map[string]string `json:"secrets"`
	Nodes    []Placement       `json:"nodes"`
	Retry    *RetryPolicy      `json:"retry_policy,omitempty"`
	Store    *StoreConfig      `json:"store_config,omitempty"`
	Triggers []CronTrigger     `json:"triggers,omitempty"`
}

// encode returns the graph as sent. It contains no null and shares no map or
// list that it modifies with the caller.
func (g *GraphSpec) encode() *wireGraphSpec {
	w := &wireGraphSpec{Secrets: orEmpty(g.Secrets), Nodes: slices.Clone(g.Nodes), Retry: g.Retry, Triggers: g.Triggers}
	if w.Nodes == nil {
		w.Nodes = []Placement{}
	}
	for i := range w.Nodes {
		p := &w.Nodes[i]
		p.Inputs = orEmpty(p.Inputs)
		p.Next = append([]string{}, p.Next...)
		if p.Unites != nil && p.Unites.Strategy == "" {
			p.Unites = &Unites{Identifier: p.Unites.Identifier, Strategy: AllSuccess}
		}
	}
	if len(g.Store.RequiredKeys) > 0 || len(g.Store.DefaultValues) > 0 {
		w.Store = &StoreConfig{append([]string{}, g.Store.RequiredKeys...), orEmpty(g.Store.DefaultValues)}
	}
	return w
}

// wireGraph is a graph as state managers send it. Its policy and triggers have
// types without an UnmarshalJSON method, where one malformed member would fail the
// whole graph.
type wireGraph struct {
	GraphInfo
	Secrets   map[string]json.RawMessage `json:"secrets"`
	Retry     wireRetry                  `json:"retry_policy"`
	Triggers  []wireTrigger              `json:"triggers"`
	CreatedAt wireTime                   `json:"created_at"`
	UpdatedAt wireTime                   `json:"updated_at"`
}

func (w *wireGraph) missing() string { return without(w.Status == "", "validation_status") }

func (w *wireGraph) info() GraphInfo {
	g := w.GraphInfo
	g.SecretNames = slices.Sorted(maps.Keys(w.Secrets))
	g.Retry = w.Retry.policy()
	for _, t := range w.Triggers {
		g.Triggers = append(g.Triggers, CronTrigger(t.Value))
	}
	g.CreatedAt, g.UpdatedAt = w.CreatedAt.Time, w.UpdatedAt.Time
	return g
}

// PutGraph implements [Control] (protocol.md §4).
func (n *namespace) PutGraph(ctx context.Context, name string, g GraphSpec) (GraphInfo, error) {
	return n.graph(ctx, name, n.call("upsert graph", http.MethodPut, "/graph/", name).withBody(g.encode()))
}

// Graph implements [Control] (protocol.md §4).
func (n *namespace) Graph(ctx context.Context, name string) (GraphInfo, error) {
	return n.graph(ctx, name, n.call("graph", http.MethodGet, "/graph/", name))
}

// graph makes a call whose response is one graph without its name.
func (n *namespace) graph(ctx context.Context, name string, k call) (GraphInfo, error) {
	answer, err := fetch[wireGraph](ctx, n.conn, k)
	if err != nil {
		return GraphInfo{}, err
	}
	answer.Name, answer.Namespace = name, n.name
	return answer.info(), nil
}

type graphsAnswer struct {
	Templates []wireGraph `json:"templates"`
}

func (a *graphsAnswer) missing() string { return without(a.Templates == nil, "templates") }

// Graphs implements [Control] (protocol.md §4).
func (n *namespace) Graphs(ctx context.Context) ([]GraphInfo, error) {
	answer, err := fetch[graphsAnswer](ctx, n.conn, n.call("graphs", http.MethodGet, "/graphs/"))
	graphs := make([]GraphInfo, 0, len(answer.Templates))
	for i := range answer.Templates {
		graphs = append(graphs, answer.Templates[i].info())
	}
	return graphs, err
}
