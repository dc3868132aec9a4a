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

// PutGraph writes a graph. A graph that breaks a rule of a field or of the
// structure is refused, and the graph of that name, if any, stays as it was
// (protocol.md §6). Validity is known at once: the Status returned is never
// PENDING.
//
// An INVALID graph does not replace one that is serving. Triggers and cron keep
// starting runs of the serving version until the new version becomes valid or
// another valid one is written.
func (e *Engine) PutGraph(now time.Time, ns, name string, given transport.GraphSpec) (transport.GraphInfo, error) {
	const op = "upsert graph"
	spec, schedules, wrong := graph.Read(ns, name, given)
	if err := refused(op, wrong...); err != nil {
		return transport.GraphInfo{}, err
	}
	l, unsound := graph.LayOut(name, &spec, e.rules.collect)
	if len(unsound) > 0 {
		return transport.GraphInfo{}, badRequest(op, "Error validating graph template: "+strings.Join(unsound, "\n"))
	}
	e.enter(now)
	defer e.mu.Unlock()
	space := e.namespace(ns)
	g, known := space.graphs.get(name)
	if !known {
		g = &storedGraph{namespace: space, name: name, created: e.now}
		space.graphs.add(name, g)
	}
	v := &version{number: g.versions + 1, spec: spec, layout: l, schedules: schedules}
	if before := g.latest; before != nil && before.served && !e.rules.invalidReplaces {
		g.standby = before
	}
	g.versions, g.latest = v.number, v
	e.validate(name, v)
	e.settleVersions(g)
	return e.status(g), nil
}

// status returns the graph as a client sees it. It shares no memory with g.
func (e *Engine) status(g *storedGraph) transport.GraphInfo {
	v := g.latest
	s := transport.GraphInfo{
		Name: g.name, Namespace: g.namespace.name,
		SecretNames: v.spec.Secrets.Names(),
		Retry:       *v.spec.Retry,
		Store: transport.StoreConfig{
			RequiredKeys:  slices.Clone(v.spec.Store.RequiredKeys),
			DefaultValues: maps.Clone(v.spec.Store.DefaultValues),
		},
		Triggers:  slices.Clone(v.spec.Triggers),
		CreatedAt: timeOf(g.created), UpdatedAt: timeOf(v.updated),
		Status: transport.Valid, Errors: slices.Clone(v.errors),
	}
	if v.program == nil {
		s.Status = transport.Invalid
	}
	if !e.rules.invalidReplaces { // otherwise there is nothing to tell apart
		s.Version = v.number
		if serving := g.serving(); serving != nil {
			s.ServingVersion = serving.number
		}
	}
	s.Nodes = make([]transport.Placement, len(v.spec.Nodes))
	for i, p := range v.spec.Nodes {
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

// Graph returns a graph and whether it is valid.
func (e *Engine) Graph(ns, name string) (transport.GraphInfo, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if space := e.namespaces[ns]; space != nil {
		if g, ok := space.graphs.get(name); ok {
			return e.status(g), nil
		}
	}
	return transport.GraphInfo{}, notFound("graph", "Graph template "+clip.Text(name)+" not found in namespace "+clip.Text(ns))
}

// Graphs lists the graphs of a namespace, in the order in which their names
// were first written.
func (e *Engine) Graphs(ns string) []transport.GraphInfo {
	e.mu.Lock()
	defer e.mu.Unlock()
	space := e.namespaces[ns]
	if space == nil {
		return nil
	}
	list := make([]transport.GraphInfo, len(space.graphs.order))
	for i, g := range space.graphs.order {
		list[i] = e.status(g)
	}
	return list
}
