package statemanager

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A layout is the structure of a graph that has been found sound (protocol.md
// §6.1). It knows nothing of registered nodes.
type layout struct {
	steps []*step // as the graph lists them
	order []*step // every step after those that it needs
	root  *step
	byID  map[string]*step
}

// A step is a placement in its graph.
type step struct {
	transport.Placement
	index  int
	inputs []stepInput // by name
	next   []*step
	prev   []*step
	anchor *step   // of a join: the step that it unites
	joins  []*step // that unite this step, those that lead to others first

	// ancestors are the steps that every state of this one descends from. The
	// reference server counts those on any path; then a step where two paths meet
	// could read what only one of them has, and fail at run time.
	ancestors bitset

	// leadsTo are the steps that can be reached by next_nodes.
	leadsTo bitset

	// states is how many states of the step a run has without fan-outs.
	states int
}

type stepInput struct {
	name, text string
	pieces     []piece
}

// checkStructure lays out a graph. Its error tells in the reference server's
// words what is wrong, one problem a line.
func checkStructure(name string, g *transport.GraphSpec, rules joinRules) (*layout, error) {
	l, problems, sound := layOut(name, g, rules)
	if !sound {
		return nil, fmt.Errorf("Error validating graph template: %s", strings.Join(problems, "\n"))
	}
	return l, nil
}

// layOut lays out a graph as far as it is sound, and says what is wrong with
// it. What the edges are and what the inputs hold is looked at by itself.
func layOut(name string, g *transport.GraphSpec, rules joinRules) (l *layout, problems []string, sound bool) {
	l = &layout{byID: make(map[string]*step, len(g.Nodes))}
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
	sound = len(problems) == 0
	problems = append(problems, l.readInputs(g)...)
	if sound {
		problems = append(problems, l.checkReads(rules)...)
	}
	return l, problems, len(problems) == 0
}

// place makes the steps and the edges between them.
func (l *layout) place(name string, g *transport.GraphSpec) (problems []string) {
	if strings.TrimSpace(name) == "" {
		problems = append(problems, "Name cannot be empty")
	}
	for i, p := range g.Nodes {
		if l.byID[p.Identifier] != nil {
			problems = append(problems, "Node identifier "+clip(p.Identifier)+" is not unique")
			continue
		}
		s := &step{Placement: p, index: i}
		l.byID[p.Identifier] = s
		l.steps = append(l.steps, s)
	}
	for _, s := range l.steps {
		for _, id := range s.Next {
			next := l.byID[id]
			if next == nil {
				problems = append(problems, "Node identifier "+clip(id)+" does not exist in the graph")
				continue
			}
			s.next = append(s.next, next)
			next.prev = append(next.prev, s)
		}
	}
	for _, secret := range g.Secrets.Names() {
		if secret == "" {
			problems = append(problems, "Secrets cannot be empty")
		}
	}
	return problems
}

// findAnchors finds the steps that joins unite.
func (l *layout) findAnchors() (problems []string) {
	for _, s := range l.steps {
		if s.Unites == nil {
			continue
		}
		what := "Node " + clip(s.Identifier) + " has an unites target " + clip(s.Unites.Identifier)
		switch s.anchor = l.byID[s.Unites.Identifier]; s.anchor {
		case nil:
			problems = append(problems, what+" that does not exist")
		case s:
			problems = append(problems, what+" that is the same as the node itself")
		}
	}
	return problems
}

// findRoot finds the one step that nothing leads to.
func (l *layout) findRoot() []string {
	var roots []string
	for _, s := range l.steps {
		if len(s.prev) == 0 && s.anchor == nil {
			roots = append(roots, clip(s.Identifier))
			l.root = s
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
// must be reached by next_nodes too, though nothing runs it but its anchor.
func (l *layout) checkConnected() (problems []string) {
	reached := newBitset(len(l.steps))
	reached.add(l.root.index)
	for todo := []*step{l.root}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, n := range s.next {
			if !reached.has(n.index) {
				reached.add(n.index)
				todo = append(todo, n)
			}
		}
	}
	for _, s := range l.steps {
		if !reached.has(s.index) {
			problems = append(problems, "Node "+clip(s.Identifier)+" is not connected to the root node")
		}
	}
	return problems
}

// sort orders the steps so that each comes after those that lead to it and,
// being a join, after its anchor. It tells at which steps cycles close.
func (l *layout) sort() (problems []string) {
	for _, s := range l.steps {
		if s.anchor != nil {
			s.anchor.joins = append(s.anchor.joins, s)
		}
	}
	const (
		fresh = iota
		entered
		left
	)
	marks := make([]uint8, len(l.steps))
	closing := newBitset(len(l.steps))
	type visit struct {
		step *step
		edge int
	}
	marks[l.root.index] = entered
	for path := []visit{{l.root, 0}}; len(path) > 0; {
		v := &path[len(path)-1]
		s := v.step
		if v.edge == len(s.next)+len(s.joins) {
			marks[s.index] = left
			l.order = append(l.order, s)
			path = path[:len(path)-1]
			continue
		}
		var to *step
		if v.edge < len(s.next) {
			to = s.next[v.edge]
		} else {
			to = s.joins[v.edge-len(s.next)]
		}
		v.edge++
		switch marks[to.index] {
		case fresh:
			marks[to.index] = entered
			path = append(path, visit{to, 0})
		case entered:
			closing.add(to.index)
		}
	}
	slices.Reverse(l.order)
	for _, s := range l.steps {
		if closing.has(s.index) {
			problems = append(problems, "Node "+clip(s.Identifier)+" is not acyclic")
		}
		s.joins = nil
	}
	for _, s := range l.order { // so that those that lead to others come first
		if s.anchor != nil {
			s.anchor.joins = append(s.anchor.joins, s)
		}
	}
	return problems
}

// findAncestors finds what each step descends from and leads to, and checks
// that all that leads to a join descends from its anchor: else a run of it would
// have nothing to say to the join.
func (l *layout) findAncestors() (problems []string) {
	n := len(l.steps)
	for _, s := range l.order {
		s.ancestors = newBitset(n)
		if s.anchor != nil {
			s.ancestors.copy(s.anchor.ancestors)
			s.ancestors.add(s.anchor.index)
			continue
		}
		for i, p := range s.prev {
			if i == 0 {
				s.ancestors.copy(p.ancestors)
				s.ancestors.add(p.index)
			} else {
				s.ancestors.keepOf(p.ancestors, p.index)
			}
		}
	}
	for _, s := range slices.Backward(l.order) {
		s.leadsTo = newBitset(n)
		for _, t := range s.next {
			s.leadsTo.add(t.index)
			s.leadsTo.addAll(t.leadsTo)
		}
	}
	for _, s := range l.steps {
		if s.anchor == nil {
			continue
		}
		for _, p := range s.prev {
			if p != s.anchor && !p.ancestors.has(s.anchor.index) {
				problems = append(problems, fmt.Sprintf("Node %s unites %s but %s leads to it from elsewhere",
					clip(s.Identifier), clip(s.anchor.Identifier), clip(p.Identifier)))
			}
		}
	}
	return problems
}

// countStates bounds the states of a run without fan-outs: one for each path
// that leads to a step, and one of a join for each of its anchor.
func (l *layout) countStates() []string {
	total := 0
	for _, s := range l.order {
		switch {
		case s.anchor != nil:
			s.states = s.anchor.states
		case s == l.root:
			s.states = 1
		default:
			for _, p := range s.prev {
				s.states = min(s.states+p.states, math.MaxInt32)
			}
		}
		if total += s.states; total > MaxRunStates {
			return []string{fmt.Sprintf("A run of the graph has more than %d states even without fan-outs: "+
				"every path to a node is walked by itself, unite the paths where they meet", MaxRunStates)}
		}
	}
	return nil
}

// readInputs reads the placeholders of all inputs, and checks the keys of the
// store that they name.
func (l *layout) readInputs(g *transport.GraphSpec) (problems []string) {
	declared := make(map[string]bool)
	for _, k := range g.Store.RequiredKeys {
		declared[k] = true
	}
	for k := range g.Store.DefaultValues {
		declared[k] = true
	}
	for _, s := range l.steps {
		for _, name := range sortedKeys(s.Inputs) {
			text := s.Inputs[name]
			pieces, err := parsePlaceholders(text)
			if err != nil {
				problems = append(problems, fmt.Sprintf("Error creating dependent string for input %s check syntax string: %s", clip(text), err))
				continue
			}
			s.inputs = append(s.inputs, stepInput{name, text, pieces})
			for _, p := range pieces {
				if p.kind == storePiece && !declared[p.text] {
					problems = append(problems, fmt.Sprintf("Input %s depends on %s but %s is not a required key or a default value",
						clip(text), clip(p.text), clip(p.text)))
				}
			}
		}
	}
	return problems
}

// checkReads checks that every step can read the outputs that its inputs name.
func (l *layout) checkReads(rules joinRules) (problems []string) {
	for _, s := range l.steps {
		for _, in := range s.inputs {
			for _, p := range in.pieces {
				if p.kind != outputPiece {
					continue
				}
				if why := l.unreadable(s, p.identifier, rules); why != "" {
					problems = append(problems, fmt.Sprintf("Input %s depends on %s but %s", clip(in.text), clip(p.identifier), why))
				}
			}
		}
	}
	return problems
}

// unreadable is why s cannot read the outputs of the step of that identifier,
// "" if it can.
func (l *layout) unreadable(s *step, identifier string, rules joinRules) string {
	from := l.byID[identifier]
	switch {
	case from != nil && s.ancestors.has(from.index):
		return ""
	case from != nil && rules.collect && s.collects(from):
		return ""
	case from != nil && from.leadsTo.has(s.index) && s.anchor == nil:
		return fmt.Sprintf("%s is not a parent of %s on every path", clip(identifier), clip(s.Identifier))
	}
	return fmt.Sprintf("%s is not a parent of %s", clip(identifier), clip(s.Identifier))
}

// collects reports whether from stands between the join s and its anchor, so
// that s reads the outputs of all its states (protocol.md §13).
func (s *step) collects(from *step) bool {
	return s.anchor != nil && from.leadsTo.has(s.index) && from.ancestors.has(s.anchor.index)
}

// A bitset is a set of indexes of steps.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bitset) add(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) copy(o bitset)  { copy(b, o) }

func (b bitset) addAll(o bitset) {
	for i := range b {
		b[i] |= o[i]
	}
}

// keepOf removes what is neither in o nor i.
func (b bitset) keepOf(o bitset, i int) {
	had := b.has(i)
	for j := range b {
		b[j] &= o[j]
	}
	if had {
		b.add(i)
	}
}
