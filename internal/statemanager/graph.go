package statemanager

import (
	"slices"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A program is a valid graph in compiled form. Names are resolved to pointers
// and texts to parts, so that executing a run parses and looks up nothing. A
// program is immutable; a run keeps the one that it began with.
type program struct {
	graph      string // the name of the graph
	placements []*placement
	root       *placement
	rootInputs []rootInput
	retry      transport.RetryPolicy
	required   []string          // store keys that a trigger must give
	defaults   map[string]string // default values of the store
	secrets    transport.Secrets
}

// A placement is a step of a program.
type placement struct {
	identifier      string
	index           int // its index in the graph
	namespace, node string
	queue           *readyQueue // where its states wait for a claim
	secrets         []string    // secrets that its node declares
	inputs          template    // inputs of its states; the root uses program.rootInputs

	next    []*placement // placements whose states are made when a state of this one succeeds
	arrives []*join      // joins named by next_nodes
	joins   []*join      // joins that unite it, each after those that lead to it
	collect []*placement // placements whose states these joins collect; see scope.collected

	reads    []string // fields of its outputs that inputs read
	keeps    bool     // whether inputs other than those of next read some of them
	mustHave []int    // indexes of reads that joins collect
	gathered bool     // whether an anchor lists its states; see gather
}

// A join is a placement that unites an anchor. join.go has the rules.
type join struct {
	place  *placement
	anchor *placement
	index  int // index among the anchor's joins
	all    bool
	waits  []int // indexes of scope.groups: the branches that it waits for
}

// A template makes the inputs of a state, a JSON object.
type template struct {
	constant transport.Object // the whole object, if there is nothing to fill in
	parts    []part
}

// A rootInput is an input of the root, which a trigger may replace.
type rootInput struct {
	name  string
	parts []part
}

// A part is a piece of a template.
type part struct {
	kind  partKind
	text  string     // of a literal: JSON text; of a store part: the key
	from  *placement // of an output or collected part
	field int        // of an output or collected part: index of from.reads
	slot  int        // of a collected part: index of the anchor's collect
	json  bool       // of a collected part: the texts of the field hold JSON
}

type partKind uint8

const (
	literalPart partKind = iota
	storePart
	outputPart
	collectedPart
)

// compile compiles a graph that CheckNodes accepted.
func (e *Engine) compile(name string, l *graph.Layout, spec *transport.GraphSpec) *program {
	c := &compiler{layout: l, places: make([]*placement, len(l.Steps)), nodes: e.schemas}
	for i, s := range l.Steps {
		c.places[i] = &placement{
			identifier: s.Identifier, index: i, namespace: s.Namespace, node: s.Node,
			queue:   e.queue(s.Namespace, s.Node),
			secrets: slices.Clone(e.node(s.NodeKey()).info.Secrets),
		}
	}
	unites := make([]*join, len(l.Steps))
	for i, s := range l.Steps {
		c.joins(c.places[i], s, unites)
	}
	for i, s := range l.Steps {
		p := c.places[i]
		for _, n := range s.Successors {
			if j := unites[n.Index]; j != nil {
				p.arrives = append(p.arrives, j)
			} else {
				p.next = append(p.next, c.places[n.Index])
			}
		}
	}
	p := &program{
		graph: name, placements: c.places, root: c.places[l.Root.Index],
		retry: *spec.Retry, required: spec.Store.RequiredKeys, defaults: spec.Store.DefaultValues,
		secrets: spec.Secrets,
	}
	for i, s := range l.Steps {
		inputs := c.inputs(s, e.node(s.NodeKey()).read.Inputs)
		if s == l.Root {
			p.rootInputs = inputs
			continue
		}
		c.places[i].inputs = flatten(inputs)
	}
	return p
}

type compiler struct {
	layout *graph.Layout
	places []*placement
	nodes  func(graph.NodeKey) *graph.Node
}

// joins makes the joins that unite s and computes what they wait for. It also
// lists them by the index of their step.
func (c *compiler) joins(p *placement, s *graph.Step, unites []*join) {
	for i, js := range s.Joins {
		j := &join{
			place: c.places[js.Index], anchor: p, index: i,
			all:   js.Unites.Strategy == transport.AllSuccess,
			waits: []int{0},
		}
		for k, other := range s.Joins {
			if other.LeadsTo(js) {
				j.waits = append(j.waits, k+1)
			}
		}
		p.joins = append(p.joins, j)
		unites[js.Index] = j
	}
}

// inputs compiles the inputs of a step: all inputs of the root, and of other
// steps those that the node declares (protocol.md §7, §8).
func (c *compiler) inputs(s *graph.Step, declared []graph.Property) []rootInput {
	byName := make(map[string]*graph.InputText, len(s.Texts))
	for i := range s.Texts {
		byName[s.Texts[i].Name] = &s.Texts[i]
	}
	var list []rootInput
	add := func(in *graph.InputText) {
		list = append(list, rootInput{in.Name, c.parts(s, in.Pieces)})
		delete(byName, in.Name)
	}
	for _, p := range declared {
		if in := byName[p.Name]; in != nil {
			add(in)
		}
	}
	if s == c.layout.Root {
		for i := range s.Texts {
			if in := byName[s.Texts[i].Name]; in != nil {
				add(in)
			}
		}
	}
	return list
}

// parts compiles one input, as the inside of a JSON string.
func (c *compiler) parts(s *graph.Step, pieces []graph.Piece) []part {
	parts := make([]part, len(pieces))
	for i, piece := range pieces {
		switch piece.Kind {
		case graph.Literal:
			parts[i] = part{text: string(appendText(nil, piece.Text))}
		case graph.StoreKey:
			parts[i] = part{kind: storePart, text: piece.Text}
		case graph.Output:
			parts[i] = c.output(s, c.layout.Step(piece.Identifier), piece.Field)
		}
	}
	return parts
}

// output compiles a placeholder in an input of s that reads a field of from.
func (c *compiler) output(s, from *graph.Step, field string) part {
	p := c.places[from.Index]
	i := slices.Index(p.reads, field)
	if i < 0 {
		i = len(p.reads)
		p.reads = append(p.reads, field)
	}
	if s.DescendsFrom(from) {
		// Only the outputs of the direct parent are at hand when the state is
		// made.
		if s.Anchor != nil || len(s.Predecessors) > 1 || s.Predecessors[0] != from {
			p.keeps = true
		}
		return part{kind: outputPart, from: p, field: i}
	}
	p.keeps = true
	p.gathered = true
	if !slices.Contains(p.mustHave, i) {
		p.mustHave = append(p.mustHave, i)
	}
	anchor := c.places[s.Anchor.Index]
	slot := slices.Index(anchor.collect, p)
	if slot < 0 {
		slot = len(anchor.collect)
		anchor.collect = append(anchor.collect, p)
	}
	return part{kind: collectedPart, from: p, field: i, slot: slot, json: c.nodes(from.NodeKey()).OutputIsJSON(field)}
}

// flatten combines inputs into one template.
func flatten(inputs []rootInput) template {
	var t template
	text := []byte{'{'}
	for i, in := range inputs {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(jsontext.AppendString(text, in.name), ':', '"')
		for _, p := range in.parts {
			if p.kind == literalPart {
				text = append(text, p.text...)
				continue
			}
			t.parts = append(t.parts, part{text: string(text)}, p)
			text = text[:0]
		}
		text = append(text, '"')
	}
	text = append(text, '}')
	if len(t.parts) == 0 {
		t.constant = text
		return t
	}
	t.parts = append(t.parts, part{text: string(text)})
	return t
}

// appendText appends s as the inside of a JSON string.
func appendText(dst []byte, s string) []byte {
	begin := len(dst)
	dst = jsontext.AppendString(dst, s)
	copy(dst[begin:], dst[begin+1:len(dst)-1])
	return dst[:len(dst)-2]
}
