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
	from  *placement // of all parts that read outputs
	field int        // of all parts that read outputs: index of from.reads
	slot  int        // of a collected part: index of the anchor's collect
	json  bool       // of a collected or branches part: the texts of the field hold JSON
	way   []wayPoint // of a branches part
}

// A wayPoint is a step between an anchor and the step whose branches are
// collected, or that step itself.
type wayPoint struct {
	place *placement
	slot  int   // index of the anchor's collect
	join  *join // the join that the step is, if any
}

type partKind uint8

const (
	literalPart partKind = iota
	storePart
	outputPart
	collectedPart
	branchesPart
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
		case graph.Branches:
			parts[i] = c.branches(s, c.layout.Step(piece.Identifier), piece.Field)
		}
	}
	return parts
}

// output compiles a placeholder in an input of s that reads a field of from.
func (c *compiler) output(s, from *graph.Step, field string) part {
	p := c.places[from.Index]
	i := p.read(field)
	if s.DescendsFrom(from) {
		// Only the outputs of the direct parent are at hand when the state is
		// made.
		if s.Anchor != nil || len(s.Predecessors) > 1 || s.Predecessors[0] != from {
			p.keeps = true
		}
		return part{kind: outputPart, from: p, field: i}
	}
	return c.collected(s, from, i)
}

// read returns the index of a field among those that inputs read.
func (p *placement) read(field string) int {
	i := slices.Index(p.reads, field)
	if i < 0 {
		i = len(p.reads)
		p.reads = append(p.reads, field)
	}
	return i
}

// collected compiles a placeholder in an input of the join s that reads a field
// of all states of from below the anchor.
func (c *compiler) collected(s, from *graph.Step, field int) part {
	p := c.places[from.Index]
	p.keeps = true
	if !slices.Contains(p.mustHave, field) {
		p.mustHave = append(p.mustHave, field)
	}
	return part{
		kind: collectedPart, from: p, field: field, slot: c.places[s.Anchor.Index].gathers(p),
		json: c.nodes(from.NodeKey()).OutputIsJSON(p.reads[field]),
	}
}

// branches compiles a placeholder that reads them also of branches that did not
// get as far as from.
func (c *compiler) branches(s, from *graph.Step, field string) part {
	part := c.collected(s, from, c.places[from.Index].read(field))
	part.kind = branchesPart
	for _, on := range c.layout.Way(s, from) {
		p := c.places[on.Index]
		at := wayPoint{place: p, slot: c.places[s.Anchor.Index].gathers(p)}
		if on.Anchor != nil {
			joins := c.places[on.Anchor.Index].joins
			at.join = joins[slices.IndexFunc(joins, func(j *join) bool { return j.place == p })]
		}
		part.way = append(part.way, at)
	}
	return part
}

// gathers makes the scopes of an anchor list the states of p, and returns where.
func (p *placement) gathers(below *placement) (slot int) {
	below.gathered = true
	if slot = slices.Index(p.collect, below); slot < 0 {
		slot = len(p.collect)
		p.collect = append(p.collect, below)
	}
	return slot
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
