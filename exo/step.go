package exo

import (
	"cmp"
	"maps"
	"slices"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// A Step is a node placed in a graph.
type Step[Out any] struct {
	// Out refers to the step's outputs. A string field holds its placeholder,
	// such as "${{ split.outputs.words }}", and a [Val] carries it. Assigning a
	// field, or the whole struct, to an input of a later step connects the two,
	// and the compiler checks names and types. There are no values yet: V of
	// every Val is zero.
	Out Out

	placed *step
	decode func(transport.Object) (Out, error)
}

// ID returns the step's identifier in its graph.
func (s *Step[Out]) ID() string { return s.placed.id }

func (s *Step[Out]) step() *step {
	if s == nil {
		return nil
	}
	return s.placed
}

// AnyStep is a step of any type. Only [Step] implements it.
type AnyStep interface {
	ID() string
	step() *step
}

// step is a placement of a graph under construction.
type step struct {
	id        string
	node      node.Any
	inputs    map[string]string
	collected map[string]bool // inputs made by Collect
	missing   []string        // required inputs that were not given
	parents   []*step
	unites    *step
	each      bool // unites may be a step that fans out
	strategy  UniteStrategy
}

// Add places a node in a graph as the step called id. Its inputs are values,
// references to the outputs of earlier steps, and references to the store. A
// string may also be text that contains references; format references of any
// type into it with package fmt. An empty field takes its default. A [Val] is
// empty if it has not been set, so Of(0) is a value.
//
// A step without [After] is the graph's root, whose inputs a trigger may
// replace.
func Add[In, Out, Sec any](g *Graph, id string, n *node.Node[In, Out, Sec], in In, opts ...StepOption) *Step[Out] {
	s := &step{id: id, node: n}
	s.fill(g, n.Inputs(in))
	for _, o := range opts {
		o.applyStep(g, s)
	}
	g.steps = append(g.steps, s)
	return &Step[Out]{
		Out:    n.OutTemplate(func(field string) string { return outputReference(id, field) }),
		placed: s,
		decode: n.DecodeOutput,
	}
}

// fill sets the step's inputs.
func (s *step) fill(g *Graph, inputs []node.Input) {
	s.inputs = make(map[string]string, len(inputs))
	s.collected = make(map[string]bool)
	for _, in := range inputs {
		s.inputs[in.Name] = in.Text
		switch {
		case in.Err != nil:
			g.mistake(s.id, "input %q: %v", in.Name, in.Err)
		case in.Missing:
			s.missing = append(s.missing, in.Name)
		case in.Collected:
			s.collected[in.Name] = true
		}
	}
}

// outputReference returns the placeholder of an output (protocol.md §7).
func outputReference(id, field string) string { return "${{ " + id + ".outputs." + field + " }}" }

// storeReference returns the placeholder of a store key.
func storeReference(key string) string { return "${{ store." + key + " }}" }

// A StepOption orders a step relative to others.
type StepOption interface{ applyStep(*Graph, *step) }

type stepOption func(*Graph, *step)

func (o stepOption) applyStep(g *Graph, s *step) { o(g, s) }

// After makes a step run after others: once for each state of each of them. Its
// inputs can be their outputs and those of the steps before them.
func After(parents ...AnyStep) StepOption {
	return stepOption(func(g *Graph, s *step) {
		for _, p := range parents {
			switch {
			case isNil(p):
				g.mistake(s.id, "After: a step is nil")
			case !slices.Contains(g.steps, p.step()):
				g.mistake(s.id, "After: step %q belongs to another graph", p.ID())
			case slices.Contains(s.parents, p.step()):
				g.mistake(s.id, "After: duplicate step %q", p.ID())
			default:
				s.parents = append(s.parents, p.step())
			}
		}
	})
}

// Unites makes a step a join: it runs once for each state of anchor, when
// everything that descends from that state is done (protocol.md §9). With
// [AllSuccess], the meaning of an empty strategy, it runs if every branch
// succeeded or was pruned; with [AllDone], it runs whatever the outcomes.
// [After] names the steps that it waits for. Its inputs are references to
// anchor and to the steps before it, and to branches by [Collect].
//
// To join the branches of a fan-out, unite the step before the one that fans
// out. A step that fans out has one state for each of its outputs, and so one
// join for each of them; if that is intended, use [UnitesEach].
func Unites(anchor AnyStep, strategy UniteStrategy) StepOption {
	return unites(anchor, strategy, false)
}

// UnitesEach is [Unites] for a step that fans out: the join runs once for each
// output of the step.
func UnitesEach(anchor AnyStep, strategy UniteStrategy) StepOption {
	return unites(anchor, strategy, true)
}

func unites(anchor AnyStep, strategy UniteStrategy, each bool) StepOption {
	return stepOption(func(g *Graph, s *step) {
		switch {
		case isNil(anchor):
			g.mistake(s.id, "Unites: step is nil")
		case !slices.Contains(g.steps, anchor.step()):
			g.mistake(s.id, "Unites: step %q belongs to another graph", anchor.ID())
		case s.unites != nil:
			g.mistake(s.id, "Unites is given twice")
		default:
			s.unites = anchor.step()
			s.each = each
			s.strategy = strategy
			if strategy == "" {
				s.strategy = AllSuccess
			}
		}
	})
}

func isNil(s AnyStep) bool { return s == nil || s.step() == nil }

// UniteStrategy says what a join waits for.
type UniteStrategy = transport.UniteStrategy

const (
	AllSuccess = transport.AllSuccess // every branch succeeded or was pruned
	AllDone    = transport.AllDone    // every branch has ended, in whatever way
)

// placement returns the step as it is written to a state manager.
func (s *step) placement(g *Graph, namespace string) transport.Placement {
	p := transport.Placement{
		Node: s.node.Name(), Namespace: cmp.Or(s.node.Namespace(), namespace), Identifier: s.id,
		Inputs: maps.Clone(s.inputs), Next: []string{},
	}
	for _, other := range g.steps {
		if slices.Contains(other.parents, s) {
			p.Next = append(p.Next, other.id)
		}
	}
	if s.unites != nil {
		p.Unites = &transport.Unites{Identifier: s.unites.id, Strategy: s.strategy}
	}
	return p
}
