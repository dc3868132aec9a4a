package statemanager

import (
	"bytes"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A node is a registered node. Programs copy what they need of it.
type node struct {
	info transport.NodeInfo
	read *graph.Node
}

// MaxRegistered is the largest number of nodes in one registration.
const MaxRegistered = 10_000

// Register registers nodes of a namespace. It replaces a node that is already
// registered under the same name. If nodes repeats a name, the last one wins.
//
// Every graph that places a node that is new, or whose schemas or secrets
// changed, is validated again. It may become VALID or INVALID: a run that
// cannot succeed is better refused than begun. (The reference server validates
// a graph only when it is written.) Pending runs keep the version that they
// began with.
func (e *Engine) Register(now time.Time, ns, runtime string, nodes []transport.NodeSpec) error {
	const op = "register"
	if err := refused(op, checkNodes(ns, nodes)...); err != nil {
		return err
	}
	e.enter(now)
	defer e.mu.Unlock()
	space := e.namespace(ns)
	changed := make(map[graph.NodeKey]bool)
	for _, spec := range nodes {
		spec.InputsSchema = cloneObject(spec.InputsSchema)
		spec.OutputsSchema = cloneObject(spec.OutputsSchema)
		spec.Secrets = slices.Clone(spec.Secrets)
		n, known := space.nodes.get(spec.Name)
		if !known {
			n = &node{}
			n.info.CreatedAt = timeOf(e.now)
			space.nodes.add(spec.Name, n)
		}
		if !known || !sameSpec(&n.info.NodeSpec, &spec) {
			n.read = graph.ReadNode(&spec)
			changed[graph.NodeKey{Namespace: ns, Name: spec.Name}] = true
		}
		n.info = transport.NodeInfo{
			NodeSpec: spec, Namespace: ns, Runtime: runtime, RuntimeNamespace: ns,
			CreatedAt: n.info.CreatedAt, UpdatedAt: timeOf(e.now),
		}
	}
	e.revalidate(changed)
	return nil
}

// checkNodes checks the fields of a registration.
func checkNodes(ns string, nodes []transport.NodeSpec) graph.Problems {
	var wrong graph.Problems
	if len(ns) > graph.MaxNameBytes {
		wrong.Add(graph.TooLong{Most: graph.MaxNameBytes}, clip.Text(ns), "namespace")
	}
	if len(nodes) > MaxRegistered {
		wrong.Add(graph.TooMany{Most: MaxRegistered, Got: len(nodes)}, nil, "nodes")
		return wrong
	}
	for i := range nodes {
		n := &nodes[i]
		if len(n.Name) > graph.MaxNameBytes {
			wrong.Add(graph.TooLong{Most: graph.MaxNameBytes}, clip.Text(n.Name), "nodes", i, "name")
		}
		if err := checkObject(n.InputsSchema); err != nil {
			wrong.Add(graph.NotObject{Reason: err.Error()}, nil, "nodes", i, "inputs_schema")
		}
		if err := checkObject(n.OutputsSchema); err != nil {
			wrong.Add(graph.NotObject{Reason: err.Error()}, nil, "nodes", i, "outputs_schema")
		}
		if len(n.Secrets) > graph.MaxSecrets {
			wrong.Add(graph.TooMany{Most: graph.MaxSecrets, Got: len(n.Secrets)}, nil, "nodes", i, "secrets")
		}
	}
	return wrong
}

// checkObject checks that schema is a JSON object or empty.
func checkObject(schema []byte) error {
	if len(schema) == 0 {
		return nil
	}
	return jsontext.Members(string(schema), func(string, jsontext.Kind, string) error { return nil })
}

// cloneObject copies a JSON object. An empty slice becomes an empty object.
func cloneObject(o []byte) []byte {
	if len(o) == 0 {
		return []byte(emptyObject)
	}
	return bytes.Clone(o)
}

func sameSpec(a, b *transport.NodeSpec) bool {
	return bytes.Equal(a.InputsSchema, b.InputsSchema) &&
		bytes.Equal(a.OutputsSchema, b.OutputsSchema) && slices.Equal(a.Secrets, b.Secrets)
}

// node returns the node registered under that key, or nil.
func (e *Engine) node(k graph.NodeKey) *node {
	if ns := e.namespaces[k.Namespace]; ns != nil {
		return ns.nodes.byName[k.Name]
	}
	return nil
}

// schemas returns the schemas of that node for checking graphs, or nil.
func (e *Engine) schemas(k graph.NodeKey) *graph.Node {
	if n := e.node(k); n != nil {
		return n.read
	}
	return nil
}

// Nodes lists the nodes of a namespace, in the order in which their names were
// first registered.
func (e *Engine) Nodes(ns string) []transport.NodeInfo {
	e.mu.Lock()
	defer e.mu.Unlock()
	space := e.namespaces[ns]
	if space == nil {
		return nil
	}
	list := make([]transport.NodeInfo, len(space.nodes.order))
	for i, n := range space.nodes.order {
		list[i] = n.info
		list[i].InputsSchema = bytes.Clone(n.info.InputsSchema)
		list[i].OutputsSchema = bytes.Clone(n.info.OutputsSchema)
		list[i].Secrets = slices.Clone(n.info.Secrets)
	}
	return list
}

// Namespaces lists the namespaces that hold a node, a graph or a run, sorted.
func (e *Engine) Namespaces() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []string
	for name, ns := range e.namespaces {
		if len(ns.nodes.order)+len(ns.graphs.order)+len(ns.runs) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
