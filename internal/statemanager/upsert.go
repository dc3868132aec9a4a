package statemanager

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/graph"
)

// A storedGraph is a graph as it was last written.
type storedGraph struct {
	namespace *namespace
	name      string
	spec      transport.GraphSpec // normalized
	layout    *graph.Layout
	created   int64
	updated   int64
	errors    []string // why it is INVALID
	program   *program // nil if it is
	triggers  []*cronTrigger
}

// PutGraph writes a graph. What breaks a rule of a field or of the structure is
// refused, and the graph of that name, if there is one, stays as it was
// (protocol.md §6). Whether the graph is valid is known at once: the answer's
// Validation is never PENDING.
func (e *Engine) PutGraph(now time.Time, ns, name string, g transport.GraphSpec) (transport.GraphStatus, error) {
	const op = "upsert graph"
	spec, schedules, wrong := graph.Read(ns, name, g)
	if err := refused(op, wrong...); err != nil {
		return transport.GraphStatus{}, err
	}
	l, unsound := graph.LayOut(name, &spec, e.rules.collect)
	if len(unsound) > 0 {
		return transport.GraphStatus{}, badRequest(op, "Error validating graph template: "+strings.Join(unsound, "\n"))
	}
	e.enter(now)
	defer e.mu.Unlock()
	space := e.namespace(ns)
	gr, known := space.graphs.get(name)
	if !known {
		gr = &storedGraph{namespace: space, name: name, created: e.now}
		space.graphs.add(name, gr)
	}
	e.cancelTriggers(gr)
	gr.spec, gr.layout = spec, l
	e.validate(gr)
	e.addTriggers(gr, schedules)
	return gr.status(), nil
}

// validate compares a graph with the registered nodes and compiles it if it fits.
func (e *Engine) validate(g *storedGraph) {
	g.updated = e.now
	g.program = nil
	g.errors = nil
	for _, m := range g.layout.CheckNodes(e.schemas, g.spec.Secrets) {
		g.errors = append(g.errors, m.Text)
	}
	if len(g.errors) == 0 {
		g.program = e.compile(g.name, g.layout, &g.spec)
	}
}

// revalidate validates the graphs that place one of these nodes.
func (e *Engine) revalidate(nodes map[graph.NodeKey]bool) {
	if len(nodes) == 0 {
		return
	}
	for _, ns := range e.namespaces {
		for _, g := range ns.graphs.order {
			if slices.ContainsFunc(g.layout.Steps, func(s *graph.Step) bool { return nodes[s.NodeKey()] }) {
				e.validate(g)
			}
		}
	}
}

// status is the graph as a client sees it; nothing of it is shared.
func (g *storedGraph) status() transport.GraphStatus {
	s := transport.GraphStatus{
		Name: g.name, Namespace: g.namespace.name,
		SecretNames: g.spec.Secrets.Names(),
		Retry:       *g.spec.Retry,
		Store: transport.StoreConfig{
			RequiredKeys:  slices.Clone(g.spec.Store.RequiredKeys),
			DefaultValues: maps.Clone(g.spec.Store.DefaultValues),
		},
		Triggers:  slices.Clone(g.spec.Triggers),
		CreatedAt: timeOf(g.created), UpdatedAt: timeOf(g.updated),
		Validation: transport.Valid, Errors: slices.Clone(g.errors),
	}
	if g.program == nil {
		s.Validation = transport.Invalid
	}
	s.Nodes = make([]transport.Placement, len(g.spec.Nodes))
	for i, p := range g.spec.Nodes {
		p.Inputs = maps.Clone(p.Inputs)
		p.Next = slices.Clone(p.Next)
		if p.Unites != nil {
			u := *p.Unites
			p.Unites = &u
		}
		s.Nodes[i] = p
	}
	return s
}

// Graph is a graph and whether it is valid.
func (e *Engine) Graph(ns, name string) (transport.GraphStatus, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if space := e.namespaces[ns]; space != nil {
		if g, ok := space.graphs.get(name); ok {
			return g.status(), nil
		}
	}
	return transport.GraphStatus{}, notFound("graph", "Graph template "+clip.Text(name)+" not found in namespace "+clip.Text(ns))
}

// Graphs lists the graphs of a namespace, in the order in which their names were
// first written.
func (e *Engine) Graphs(ns string) []transport.GraphStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	space := e.namespaces[ns]
	if space == nil {
		return nil
	}
	list := make([]transport.GraphStatus, len(space.graphs.order))
	for i, g := range space.graphs.order {
		list[i] = g.status()
	}
	return list
}
