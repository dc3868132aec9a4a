package statemanager

import (
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A graph is a graph as it was last written.
type graph struct {
	namespace *namespace
	name      string
	spec      transport.GraphSpec // normalized
	layout    *layout
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
	spec := normalize(g)
	schedules, wrong := checkFields(ns, name, &g, &spec)
	if err := wrong.refused(op); err != nil {
		return transport.GraphStatus{}, err
	}
	l, err := checkStructure(name, &spec, e.rules)
	if err != nil {
		return transport.GraphStatus{}, badRequest(op, err.Error())
	}
	e.enter(now)
	defer e.mu.Unlock()
	space := e.namespace(ns)
	gr, known := space.graphs.get(name)
	if !known {
		gr = &graph{namespace: space, name: name, created: e.now}
		space.graphs.add(name, gr)
	}
	e.cancelTriggers(gr)
	gr.spec, gr.layout = spec, l
	e.validate(gr)
	e.addTriggers(gr, schedules)
	return gr.status(), nil
}

// validate compares a graph with the registered nodes and compiles it if it fits.
func (e *Engine) validate(g *graph) {
	g.updated = e.now
	g.program = nil
	g.errors = g.layout.checkNodes(e.node, g.spec.Secrets)
	if len(g.errors) == 0 {
		g.program = e.compile(g.name, g.layout, &g.spec)
	}
}

// revalidate validates the graphs that place one of these nodes.
func (e *Engine) revalidate(nodes map[nodeKey]bool) {
	if len(nodes) == 0 {
		return
	}
	for _, ns := range e.namespaces {
		for _, g := range ns.graphs.order {
			if slices.ContainsFunc(g.layout.steps, func(s *step) bool { return nodes[s.nodeKey()] }) {
				e.validate(g)
			}
		}
	}
}

// status is the graph as a client sees it; nothing of it is shared.
func (g *graph) status() transport.GraphStatus {
	s := transport.GraphStatus{
		Name: g.name, Namespace: g.namespace.name,
		SecretNames: g.spec.Secrets.Names(),
		Retry:       *g.spec.Retry,
		Store: transport.StoreConfig{
			RequiredKeys:  slices.Clone(g.spec.Store.RequiredKeys),
			DefaultValues: cloneMap(g.spec.Store.DefaultValues),
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
		p.Inputs = cloneMap(p.Inputs)
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
	return transport.GraphStatus{}, notFound("graph", "Graph template "+clip(name)+" not found in namespace "+clip(ns))
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
