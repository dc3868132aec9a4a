package statemanager

import (
	"slices"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A program is a valid graph, compiled: names are resolved to pointers and
// texts to parts, so that nothing is parsed or looked up while a run goes on. It
// is immutable; a run keeps the one that it began with.
type program struct {
	graph      string // its name
	placements []*placement
	root       *placement
	rootInputs []rootInput
	retry      transport.RetryPolicy
	required   []string          // store keys that a trigger must give
	defaults   map[string]string // of the store
	secrets    transport.Secrets
}

// A placement is a step of a program.
type placement struct {
	identifier      string
	namespace, node string
	queue           *readyQueue // where its states wait for a claim
	secrets         []string    // that its node declares
	inputs          template    // of its states; those of the root's are program.rootInputs

	next    []*placement // whose states are made when one of this succeeds
	arrives []*join      // to which next_nodes leads
	joins   []*join      // of which it is the anchor; those that lead to others first
	collect []*placement // whose states the joins among them read; see scope.collected

	reads    []string // the fields of its outputs that inputs read
	keeps    bool     // inputs other than those of next read some of them
	mustHave []int    // indexes of reads: what joins collect
	gathered bool     // its states are listed by an anchor; see gather
}

// A join is a placement that unites an anchor. The rules are in join.go.
type join struct {
	place  *placement
	anchor *placement
	index  int // among the anchor's joins
	all    bool
	waits  []int // indexes of scope.groups: the branches that it waits for
}

// A template makes the inputs of a state: a JSON object.
type template struct {
	constant transport.Object // all of it, when nothing has to be filled in
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
	text  string     // of a literal: JSON; of a store part: the key
	from  *placement // of an output or collected part
	field int        // of an output or collected part: index of from.reads
	slot  int        // of a collected part: index of the anchor's collect
}

type partKind uint8

const (
	literalPart partKind = iota
	storePart
	outputPart
	collectedPart
)

// compile makes the program of a graph that checkNodes found nothing wrong with.
func (e *Engine) compile(graph string, l *layout, spec *transport.GraphSpec) *program {
	c := &compiler{layout: l, places: make([]*placement, len(l.steps))}
	for i, s := range l.steps {
		c.places[i] = &placement{
			identifier: s.Identifier, namespace: s.Namespace, node: s.Node,
			queue:   e.queue(s.Namespace, s.Node),
			secrets: slices.Clone(e.node(s.nodeKey()).info.Secrets),
		}
	}
	unites := make([]*join, len(l.steps))
	for i, s := range l.steps {
		c.joins(c.places[i], s, unites)
	}
	for i, s := range l.steps {
		p := c.places[i]
		for _, n := range s.next {
			if j := unites[n.index]; j != nil {
				p.arrives = append(p.arrives, j)
			} else {
				p.next = append(p.next, c.places[n.index])
			}
		}
	}
	p := &program{
		graph: graph, placements: c.places, root: c.places[l.root.index],
		retry: *spec.Retry, required: spec.Store.RequiredKeys, defaults: spec.Store.DefaultValues,
		secrets: spec.Secrets,
	}
	for i, s := range l.steps {
		inputs := c.inputs(s, e.node(s.nodeKey()).inputs)
		if s == l.root {
			p.rootInputs = inputs
			continue
		}
		c.places[i].inputs = flatten(inputs)
	}
	return p
}

type compiler struct {
	layout *layout
	places []*placement
}

// joins makes the joins that unite s, and what they wait for, and lists them by
// the index of their step.
func (c *compiler) joins(p *placement, s *step, unites []*join) {
	for i, js := range s.joins {
		j := &join{
			place: c.places[js.index], anchor: p, index: i,
			all:   js.Unites.Strategy == transport.AllSuccess,
			waits: []int{0},
		}
		for k, other := range s.joins {
			if other.leadsTo.has(js.index) {
				j.waits = append(j.waits, k+1)
			}
		}
		p.joins = append(p.joins, j)
		unites[js.index] = j
	}
}

// inputs compiles the inputs of a step. Of the root all are made, of the others
// those that the node declares (protocol.md §7, §8).
func (c *compiler) inputs(s *step, declared []property) []rootInput {
	byName := make(map[string]*stepInput, len(s.inputs))
	for i := range s.inputs {
		byName[s.inputs[i].name] = &s.inputs[i]
	}
	var list []rootInput
	add := func(in *stepInput) {
		list = append(list, rootInput{in.name, c.parts(s, in.pieces)})
		delete(byName, in.name)
	}
	for _, p := range declared {
		if in := byName[p.name]; in != nil {
			add(in)
		}
	}
	if s == c.layout.root {
		for i := range s.inputs {
			if in := byName[s.inputs[i].name]; in != nil {
				add(in)
			}
		}
	}
	return list
}

// parts compiles one input, as the inside of a JSON string.
func (c *compiler) parts(s *step, pieces []piece) []part {
	parts := make([]part, len(pieces))
	for i, piece := range pieces {
		switch piece.kind {
		case literal:
			parts[i] = part{text: string(appendText(nil, piece.text))}
		case storePiece:
			parts[i] = part{kind: storePart, text: piece.text}
		case outputPiece:
			parts[i] = c.output(s, c.layout.byID[piece.identifier], piece.field)
		}
	}
	return parts
}

// output compiles a placeholder in an input of s that reads a field of from.
func (c *compiler) output(s, from *step, field string) part {
	p := c.places[from.index]
	i := slices.Index(p.reads, field)
	if i < 0 {
		i = len(p.reads)
		p.reads = append(p.reads, field)
	}
	if s.ancestors.has(from.index) {
		// Only the state that s's is made right after is at hand.
		if s.anchor != nil || len(s.prev) > 1 || s.prev[0] != from {
			p.keeps = true
		}
		return part{kind: outputPart, from: p, field: i}
	}
	p.keeps = true
	p.gathered = true
	if !slices.Contains(p.mustHave, i) {
		p.mustHave = append(p.mustHave, i)
	}
	anchor := c.places[s.anchor.index]
	slot := slices.Index(anchor.collect, p)
	if slot < 0 {
		slot = len(anchor.collect)
		anchor.collect = append(anchor.collect, p)
	}
	return part{kind: collectedPart, from: p, field: i, slot: slot}
}

// flatten makes one template of inputs.
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
