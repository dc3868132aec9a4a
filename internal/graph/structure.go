package graph

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
)

// MaxRunStates is the largest number of states of a run without fan-outs. Where
// paths part and meet again without a join, each path is executed separately,
// so a chain of n diamonds makes 2ⁿ states.
const MaxRunStates = 1_000_000

// A Layout is the structure of a graph that passed the checks of protocol.md
// §6.1. It does not depend on registered nodes.
type Layout struct {
	Steps []*Step // in the order of the graph
	Root  *Step

	byID  map[string]*Step
	order []*Step // topological: every step comes after those that it needs
}

// Step returns the step with that identifier, or nil.
func (l *Layout) Step(identifier string) *Step { return l.byID[identifier] }

// A Step is a placement in its graph.
type Step struct {
	transport.Placement
	Index        int         // its index in the graph
	Texts        []InputText // its inputs, sorted by name
	Successors   []*Step     // steps named by its next_nodes
	Predecessors []*Step     // steps whose next_nodes name it
	Anchor       *Step       // of a join: the step that it unites; else nil
	Joins        []*Step     // joins that unite this step, each after those that lead to it

	// ancestors are the steps from which every state of this one descends. The
	// reference server counts the steps on any path. Then a step where two
	// paths meet could read an output that only one of them has, and fail at
	// run time.
	ancestors bitset

	// leadsTo are the steps that can be reached by next_nodes.
	leadsTo bitset

	// states is the number of states of the step in a run without fan-outs.
	states int
}

// DescendsFrom reports whether every state of s descends from a state of t.
func (s *Step) DescendsFrom(t *Step) bool { return s.ancestors.has(t.Index) }

// LeadsTo reports whether t can be reached from s by next_nodes.
func (s *Step) LeadsTo(t *Step) bool { return s.leadsTo.has(t.Index) }

// An InputText is an input as written in the graph.
type InputText struct {
	Name   string
	Pieces []Piece

	text  string
	reads []Piece // its placeholders, without repetitions
}

// LayOut computes the structure of a graph, as far as it is sound, and lists
// the problems in the reference server's words. An empty list means that the
// graph is sound. Edges and inputs are checked independently of each other.
// collect says whether joins may read the outputs of their branches
// (protocol.md §13).
func LayOut(name string, g *transport.GraphSpec, collect bool) (l *Layout, problems []string) {
	l = &Layout{byID: make(map[string]*Step, len(g.Nodes))}
	for _, check := range []func() []string{
		func() []string { return l.place(name, g) },
		l.findAnchors,
		l.findRoot,
		l.checkConnected,
		l.sort,
		l.findAncestors,
		l.countStates,
	} {
		if problems = check(); len(problems) > 0 {
			break
		}
	}
	sound := len(problems) == 0
	problems = append(problems, l.readInputs(g)...)
	if sound {
		problems = append(problems, l.checkReads(collect)...)
	}
	return l, problems
}

// place creates the steps and the edges between them.
func (l *Layout) place(name string, g *transport.GraphSpec) (problems []string) {
	if strings.TrimSpace(name) == "" {
		problems = append(problems, "Name cannot be empty")
	}
	for i, p := range g.Nodes {
		s := &Step{Placement: p, Index: i}
		l.Steps = append(l.Steps, s)
		if l.byID[p.Identifier] != nil {
			problems = append(problems, "Node identifier "+clip.Text(p.Identifier)+" is not unique")
			continue
		}
		l.byID[p.Identifier] = s
	}
	for _, s := range l.Steps {
		for _, id := range s.Next {
			next := l.byID[id]
			if next == nil {
				problems = append(problems, "Node identifier "+clip.Text(id)+" does not exist in the graph")
				continue
			}
			s.Successors = append(s.Successors, next)
			next.Predecessors = append(next.Predecessors, s)
		}
	}
	for _, secret := range g.Secrets.Names() {
		if secret == "" {
			problems = append(problems, "Secrets cannot be empty")
		}
	}
	return problems
}

// findAnchors sets the anchor of every join.
func (l *Layout) findAnchors() (problems []string) {
	for _, s := range l.Steps {
		if s.Unites == nil {
			continue
		}
		what := "Node " + clip.Text(s.Identifier) + " has an unites target " + clip.Text(s.Unites.Identifier)
		switch s.Anchor = l.byID[s.Unites.Identifier]; s.Anchor {
		case nil:
			problems = append(problems, what+" that does not exist")
		case s:
			problems = append(problems, what+" that is the same as the node itself")
		}
	}
	return problems
}

// findRoot finds the only step that has no predecessor.
func (l *Layout) findRoot() []string {
	var roots []string
	for _, s := range l.Steps {
		if len(s.Predecessors) == 0 && s.Anchor == nil {
			roots = append(roots, clip.Text(s.Identifier))
			l.Root = s
		}
	}
	if len(roots) == 1 {
		return nil
	}
	const most = 10
	shown := roots[:min(most, len(roots))]
	if len(roots) > most {
		shown = append(shown, "…")
	}
	return []string{fmt.Sprintf("There should be exactly one root node in the graph but found %d nodes with zero in-degree: [%s]",
		len(roots), strings.Join(shown, ", "))}
}

// checkConnected checks that every step can be reached from the root. A join
// must be reachable by next_nodes too, although only its anchor starts it.
func (l *Layout) checkConnected() (problems []string) {
	reached := newBitset(len(l.Steps))
	reached.add(l.Root.Index)
	for todo := []*Step{l.Root}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, n := range s.Successors {
			if !reached.has(n.Index) {
				reached.add(n.Index)
				todo = append(todo, n)
			}
		}
	}
	for _, s := range l.Steps {
		if !reached.has(s.Index) {
			problems = append(problems, "Node "+clip.Text(s.Identifier)+" is not connected to the root node")
		}
	}
	return problems
}

// sort orders the steps so that each comes after its predecessors and, if it is
// a join, after its anchor. It reports the steps at which cycles close.
func (l *Layout) sort() (problems []string) {
	for _, s := range l.Steps {
		if s.Anchor != nil {
			s.Anchor.Joins = append(s.Anchor.Joins, s)
		}
	}
	const (
		fresh = iota
		entered
		left
	)
	marks := make([]uint8, len(l.Steps))
	closing := newBitset(len(l.Steps))
	type visit struct {
		step *Step
		edge int
	}
	marks[l.Root.Index] = entered
	for path := []visit{{l.Root, 0}}; len(path) > 0; {
		v := &path[len(path)-1]
		s := v.step
		if v.edge == len(s.Successors)+len(s.Joins) {
			marks[s.Index] = left
			l.order = append(l.order, s)
			path = path[:len(path)-1]
			continue
		}
		var to *Step
		if v.edge < len(s.Successors) {
			to = s.Successors[v.edge]
		} else {
			to = s.Joins[v.edge-len(s.Successors)]
		}
		v.edge++
		switch marks[to.Index] {
		case fresh:
			marks[to.Index] = entered
			path = append(path, visit{to, 0})
		case entered:
			closing.add(to.Index)
		}
	}
	slices.Reverse(l.order)
	for _, s := range l.Steps {
		if closing.has(s.Index) {
			problems = append(problems, "Node "+clip.Text(s.Identifier)+" is not acyclic")
		}
		s.Joins = nil
	}
	for _, s := range l.order { // a join comes before the joins that it leads to
		if s.Anchor != nil {
			s.Anchor.Joins = append(s.Anchor.Joins, s)
		}
	}
	return problems
}

// findAncestors computes which steps each step descends from and leads to. It
// also checks that every step that leads to a join descends from the join's
// anchor; otherwise its states would have no join to arrive at.
func (l *Layout) findAncestors() (problems []string) {
	n := len(l.Steps)
	for _, s := range l.order {
		s.ancestors = newBitset(n)
		if s.Anchor != nil {
			s.ancestors.copy(s.Anchor.ancestors)
			s.ancestors.add(s.Anchor.Index)
			continue
		}
		for i, p := range s.Predecessors {
			if i == 0 {
				s.ancestors.copy(p.ancestors)
				s.ancestors.add(p.Index)
			} else {
				s.ancestors.keepOf(p.ancestors, p.Index)
			}
		}
	}
	for _, s := range slices.Backward(l.order) {
		s.leadsTo = newBitset(n)
		for _, t := range s.Successors {
			s.leadsTo.add(t.Index)
			s.leadsTo.addAll(t.leadsTo)
		}
	}
	for _, s := range l.Steps {
		if s.Anchor == nil {
			continue
		}
		for _, p := range s.Predecessors {
			if p != s.Anchor && !p.ancestors.has(s.Anchor.Index) {
				problems = append(problems, fmt.Sprintf("Node %s unites %s but %s leads to it from elsewhere",
					clip.Text(s.Identifier), clip.Text(s.Anchor.Identifier), clip.Text(p.Identifier)))
			}
		}
	}
	return problems
}

// countStates bounds the number of states of a run without fan-outs: a step has
// one for each path that leads to it, a join one for each state of its anchor.
func (l *Layout) countStates() []string {
	total := 0
	for _, s := range l.order {
		switch {
		case s.Anchor != nil:
			s.states = s.Anchor.states
		case s == l.Root:
			s.states = 1
		default:
			for _, p := range s.Predecessors {
				s.states = min(s.states+p.states, math.MaxInt32)
			}
		}
		if total += s.states; total > MaxRunStates {
			return []string{fmt.Sprintf("A run of the graph has more than %d states even without fan-outs: "+
				"each path to a node runs separately; unite the paths where they meet", MaxRunStates)}
		}
	}
	return nil
}

// readInputs parses the placeholders of all inputs and checks the store keys
// that they name.
func (l *Layout) readInputs(g *transport.GraphSpec) (problems []string) {
	declared := make(map[string]bool)
	for _, k := range g.Store.RequiredKeys {
		declared[k] = true
	}
	for k := range g.Store.DefaultValues {
		declared[k] = true
	}
	for _, s := range l.Steps {
		for _, name := range slices.Sorted(maps.Keys(s.Inputs)) {
			text := s.Inputs[name]
			pieces, err := parsePlaceholders(text)
			if err != nil {
				problems = append(problems, fmt.Sprintf("Error creating dependent string for input %s check syntax string: %s", clip.Text(text), err))
				continue
			}
			in := InputText{name, pieces, text, distinct(pieces)}
			s.Texts = append(s.Texts, in)
			for _, p := range in.reads {
				if p.Kind == StoreKey && !declared[p.Text] {
					problems = append(problems, fmt.Sprintf("Input %s depends on %s but %s is not a required key or a default value",
						clip.Text(text), clip.Text(p.Text), clip.Text(p.Text)))
				}
			}
		}
	}
	return problems
}

// checkReads checks that every step can read the outputs that its inputs name.
func (l *Layout) checkReads(collect bool) (problems []string) {
	for _, s := range l.Steps {
		for _, in := range s.Texts {
			for _, p := range in.reads {
				switch p.Kind {
				case Output:
					if why := l.unreadable(s, p.Identifier, collect); why != "" {
						problems = append(problems, fmt.Sprintf("Input %s depends on %s but %s", clip.Text(in.text), clip.Text(p.Identifier), why))
					}
				case Branches:
					if why := l.branchless(s, p, collect); why != "" {
						problems = append(problems, fmt.Sprintf("Input %s depends on the branches of %s but %s", clip.Text(in.text), clip.Text(p.Identifier), why))
					}
				case Literal, StoreKey:
				}
			}
		}
	}
	return problems
}

// unreadable returns why s cannot read the outputs of the step with that
// identifier, or "" if it can.
func (l *Layout) unreadable(s *Step, identifier string, collect bool) string {
	from := l.byID[identifier]
	switch {
	case from != nil && s.ancestors.has(from.Index):
		return ""
	case from != nil && collect && s.collects(from):
		return ""
	case from != nil && from.leadsTo.has(s.Index) && s.Anchor == nil:
		return fmt.Sprintf("%s is not a parent of %s on every path", clip.Text(identifier), clip.Text(s.Identifier))
	}
	return fmt.Sprintf("%s is not a parent of %s", clip.Text(identifier), clip.Text(s.Identifier))
}

// branchless returns why s cannot read the branches that the placeholder names,
// or "" if it can.
func (l *Layout) branchless(s *Step, p Piece, collect bool) string {
	switch from := l.byID[p.Identifier]; {
	case !collect:
		return "branches cannot be collected here"
	case s.Anchor == nil:
		return clip.Text(s.Identifier) + " unites nothing"
	case from == nil || !s.collects(from):
		return fmt.Sprintf("%s is not between %s and %s", clip.Text(p.Identifier), clip.Text(s.Anchor.Identifier), clip.Text(s.Identifier))
	}
	return ""
}

// Way returns the steps below the anchor of the join s whose states a state of
// from may descend from, and from itself, in the order of the graph. A join on
// the way descends from its anchor, not from what it waits for.
func (l *Layout) Way(s, from *Step) []*Step {
	var way []*Step
	for _, on := range l.Steps {
		if on == from || on.above(from, s.Anchor, make(map[*Step]bool)) {
			way = append(way, on)
		}
	}
	return way
}

// above reports whether a state of the step at may descend from one of s, on the
// way from a state of anchor. seen are the steps that were looked at in vain.
func (s *Step) above(at, anchor *Step, seen map[*Step]bool) bool {
	if at == anchor || seen[at] {
		return false
	}
	seen[at] = true
	parents := at.Predecessors
	if at.Anchor != nil {
		parents = []*Step{at.Anchor}
	}
	for _, p := range parents {
		if p != anchor && (p == s || s.above(p, anchor, seen)) {
			return true
		}
	}
	return false
}

// collects reports whether from lies between the join s and its anchor, so that
// s reads the outputs of all of its states (protocol.md §13).
func (s *Step) collects(from *Step) bool {
	return s.Anchor != nil && from.leadsTo.has(s.Index) && from.ancestors.has(s.Anchor.Index)
}
