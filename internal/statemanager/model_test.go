package statemanager_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A modelGraph is a random graph, with what its rules are easily said of.
type modelGraph struct {
	nodes []transport.Placement
	refs  map[string][]string // the steps that a step's input reads
	lines map[string][][]string
}

// drawGraph draws a graph of at most seven steps, in which any step may have
// joins and any join may be an anchor.
func drawGraph(t *rapid.T, reference bool) *modelGraph {
	g := &modelGraph{refs: make(map[string][]string), lines: map[string][][]string{"s0": {nil}}}
	g.nodes = append(g.nodes, step("s0"))
	steps := rapid.IntRange(2, 7).Draw(t, "steps")
	for i := 1; i < steps; i++ {
		id := fmt.Sprintf("s%d", i)
		from := []int{rapid.IntRange(max(0, i-3), i-1).Draw(t, "from")}
		if other := rapid.IntRange(0, i-1).Draw(t, "other"); other != from[0] && rapid.Bool().Draw(t, "two") {
			from = append(from, other)
		}
		p := step(id)
		for _, f := range from {
			g.nodes[f].Next = append(g.nodes[f].Next, id)
		}
		if anchors := g.anchors(from); rapid.IntRange(0, 2).Draw(t, "join") > 0 && len(anchors) > 0 {
			strategy := rapid.SampledFrom([]transport.UniteStrategy{transport.AllSuccess, transport.AllDone}).Draw(t, "strategy")
			p = unite(p, rapid.SampledFrom(anchors).Draw(t, "anchor"), strategy)
		}
		g.nodes = append(g.nodes, p)
		g.findLines(id, from)
	}
	for i := 1; i < len(g.nodes); i++ {
		g.drawInputs(t, i, reference)
	}
	return g
}

// anchors are the steps that a step after these may unite.
func (g *modelGraph) anchors(from []int) (list []string) {
	for _, a := range g.nodes {
		if !slices.ContainsFunc(from, func(f int) bool {
			id := g.nodes[f].Identifier
			return id != a.Identifier && !g.below(id, a.Identifier)
		}) {
			list = append(list, a.Identifier)
		}
	}
	return list
}

// findLines notes every ancestry that a state of the step may have.
func (g *modelGraph) findLines(id string, from []int) {
	var above []string
	if u := g.node(id).Unites; u != nil {
		above = []string{u.Identifier}
	} else {
		for _, f := range from {
			above = append(above, g.nodes[f].Identifier)
		}
	}
	for _, a := range above {
		for _, line := range g.lines[a] {
			g.lines[id] = append(g.lines[id], append(slices.Clone(line), a))
		}
	}
}

// below reports whether every state of id descends from one of ancestor.
func (g *modelGraph) below(id, ancestor string) bool {
	return !slices.ContainsFunc(g.lines[id], func(line []string) bool { return !slices.Contains(line, ancestor) })
}

func (g *modelGraph) node(id string) *transport.Placement {
	for i := range g.nodes {
		if g.nodes[i].Identifier == id {
			return &g.nodes[i]
		}
	}
	return nil
}

// joinsBeside reports whether several joins have one anchor.
func (g *modelGraph) joinsBeside() bool {
	anchors := make(map[string]bool)
	for _, n := range g.nodes {
		if n.Unites != nil {
			if anchors[n.Unites.Identifier] {
				return true
			}
			anchors[n.Unites.Identifier] = true
		}
	}
	return false
}

// turn orders the steps below one state: joins stand behind the others, in the
// order of the graph, in which none leads to an earlier one.
func (g *modelGraph) turn(id string) int {
	for i, n := range g.nodes {
		if n.Identifier == id && n.Unites != nil {
			return i + 1
		}
	}
	return 0
}

func (g *modelGraph) leadsTo(from, to string) bool {
	return slices.ContainsFunc(g.node(from).Next, func(n string) bool { return n == to || g.leadsTo(n, to) })
}

// collects reports whether the input of a join reads all states of a step.
func (g *modelGraph) collects(join, from string) bool {
	u := g.node(join).Unites
	return u != nil && !g.below(join, from) && g.leadsTo(from, join) && g.below(from, u.Identifier)
}

func (g *modelGraph) drawInputs(t *rapid.T, i int, reference bool) {
	id := g.nodes[i].Identifier
	var readable []string
	for _, from := range g.nodes {
		if g.below(id, from.Identifier) || !reference && g.collects(id, from.Identifier) {
			readable = append(readable, from.Identifier)
		}
	}
	text := "in"
	for range rapid.IntRange(0, 2).Draw(t, "reads") {
		from := rapid.SampledFrom(readable).Draw(t, "read")
		g.refs[id] = append(g.refs[id], from)
		text += " ${{ " + from + ".outputs.o }}"
	}
	g.nodes[i] = with(g.nodes[i], text)
}

// A model executes a graph by searching through all states all the time.
type model struct {
	graph     *modelGraph
	reference bool
	states    []*transport.State // in order of creation
	made      int                // output values so far

	below  map[string][]*place // by state, "" for the run: what it gave rise to, in order
	places map[string]*place   // by state
	void   map[string]bool     // states that retries by hand have made void
	lapses map[string]int      // by state: default leases that have ended
}

// A place is where the attempts at one piece of work stand.
type place struct {
	step     string
	attempts []*transport.State
}

func newModel(g *modelGraph, reference bool) *model {
	m := &model{
		graph: g, reference: reference, below: make(map[string][]*place), places: make(map[string]*place),
		void: make(map[string]bool), lapses: make(map[string]int),
	}
	m.add("s0", nil, "{}", 0, m.newPlace("", "s0"))
	return m
}

// newPlace is a place behind the others below a state.
func (m *model) newPlace(above, step string) *place {
	p := &place{step: step}
	m.below[above] = append(m.below[above], p)
	return p
}

// inOrder is all states in the order of their places.
func (m *model) inOrder() (list []*transport.State) {
	var walk func(string)
	walk = func(above string) {
		for _, p := range m.below[above] {
			for _, x := range p.attempts {
				list = append(list, x)
				walk(x.ID)
			}
		}
	}
	walk("")
	return list
}

// unique is an output value that no other state has.
func (m *model) unique() string {
	m.made++
	return fmt.Sprintf("o%d", m.made)
}

func (m *model) add(id string, parents []transport.Parent, inputs string, attempt int, p *place) *transport.State {
	x := &transport.State{
		ID: fmt.Sprintf("m%d", len(m.states)), Identifier: id, Parents: parents,
		Inputs: transport.Object(inputs), Attempt: attempt, Status: transport.StatusCreated,
	}
	m.states = append(m.states, x)
	m.places[x.ID] = p
	p.attempts = append(p.attempts, x)
	return x
}

// list is the states as a state manager would tell them.
func (m *model) list() []transport.State {
	list := make([]transport.State, len(m.states))
	for i, x := range m.states {
		list[i] = *x
	}
	return list
}

// find is the state of that key; see stateKeys.
func (m *model) find(key string) *transport.State {
	keys := stateKeys(m.list())
	for _, x := range m.states {
		if keys[x.ID] == key {
			return x
		}
	}
	return nil
}

func (m *model) byID(id string) *transport.State {
	i := slices.IndexFunc(m.states, func(x *transport.State) bool { return x.ID == id })
	return m.states[i]
}

func (m *model) report(x *transport.State, o transport.Outcome) {
	switch o := o.(type) {
	case transport.Errored:
		x.Status = transport.StatusErrored
		if x.Attempt == 0 && !o.Permanent {
			x.Status = transport.StatusRetryCreated
			m.add(x.Identifier, x.Parents, string(x.Inputs), 1, m.places[x.ID])
		}
	case transport.Pruned:
		x.Status = transport.StatusPruned
	case transport.Executed:
		m.execute(x, o.Outputs)
	}
	m.runJoins()
}

func (m *model) runJoins() {
	if !m.reference {
		for m.runJoin() {
		}
	}
}

// lapse ends the default lease of a state. It is offered again as often as there
// are attempts, two.
func (m *model) lapse(x *transport.State) {
	if m.lapses[x.ID]++; m.lapses[x.ID] > 2 {
		m.report(x, transport.Errored{Permanent: true})
	}
}

// retry retries a state by hand. What follows from it is void, and so is every
// join that has waited for it, with what follows from that.
func (m *model) retry(x *transport.State) {
	x.Status = transport.StatusRetryCreated
	if !m.reference {
		lost := []*transport.State{x}
		for _, p := range x.Parents {
			anchor := m.byID(p.StateID)
			for _, y := range m.states {
				if n := len(y.Parents); n > 0 && y.Parents[n-1].StateID == anchor.ID && !m.void[y.ID] && m.unites(y.Identifier, p.Identifier) &&
					m.isBranch(x, y.Identifier, anchor) {
					lost = append(lost, y)
				}
			}
		}
		for _, y := range m.states {
			for _, l := range lost {
				if y != x && (y == l || descends(y, l)) {
					y.Status = transport.StatusRetryCreated
					m.void[y.ID] = true
				}
			}
		}
	}
	m.add(x.Identifier, x.Parents, string(x.Inputs), 0, m.places[x.ID])
}

func (m *model) unites(join, anchor string) bool {
	u := m.graph.node(join).Unites
	return u != nil && u.Identifier == anchor
}

func (m *model) execute(x *transport.State, outputs []transport.Object) {
	all := []*transport.State{x}
	above := ""
	if n := len(x.Parents); n > 0 {
		above = x.Parents[n-1].StateID
	}
	at := slices.Index(m.below[above], m.places[x.ID])
	for i := range outputs[1:] {
		p := &place{step: x.Identifier}
		m.below[above] = slices.Insert(m.below[above], at+1+i, p)
		all = append(all, m.add(x.Identifier, x.Parents, string(x.Inputs), x.Attempt, p))
	}
	for i, y := range all {
		y.Outputs = outputs[i]
		m.goOn(y)
	}
	if !m.reference {
		return
	}
	for _, y := range all {
		for _, next := range m.graph.node(y.Identifier).Next {
			if y.Status == transport.StatusSuccess && m.graph.node(next).Unites != nil {
				m.arrive(y, next)
			}
		}
	}
}

// goOn makes the states that follow y, or none.
func (m *model) goOn(y *transport.State) {
	inputs := make(map[string]string)
	y.Status = transport.StatusSuccess
	for _, n := range m.graph.nodes {
		plain := n.Unites == nil && slices.Contains(m.graph.node(y.Identifier).Next, n.Identifier)
		if plain {
			in, ok := m.inputs(n.Identifier, y)
			if !ok {
				y.Status = transport.StatusNextCreatedError
			}
			inputs[n.Identifier] = in
		}
		if slices.Contains(m.graph.refs[n.Identifier], y.Identifier) && m.graph.collects(n.Identifier, y.Identifier) && output(y) == "" {
			y.Status = transport.StatusNextCreatedError
		}
	}
	if y.Status != transport.StatusSuccess {
		return
	}
	for _, next := range m.graph.node(y.Identifier).Next {
		if m.graph.node(next).Unites == nil {
			m.add(next, m.line(y), inputs[next], 0, m.newPlace(y.ID, next))
		}
	}
}

// line is the ancestry of what y gives rise to.
func (m *model) line(y *transport.State) []transport.Parent {
	return append(slices.Clone(y.Parents), transport.Parent{Identifier: y.Identifier, StateID: y.ID})
}

// output is the output that inputs read, "" if there is none.
func output(x *transport.State) string {
	var out map[string]string
	_ = json.Unmarshal(x.Outputs, &out)
	return out["o"]
}

// inputs makes the inputs of a state of a step that follows y.
func (m *model) inputs(id string, y *transport.State) (string, bool) {
	text := "in"
	for _, from := range m.graph.refs[id] {
		if m.graph.collects(id, from) {
			list := []string{}
			for _, x := range m.inOrder() {
				if x.Identifier == from && x.Status == transport.StatusSuccess && descends(x, y) {
					list = append(list, output(x))
				}
			}
			text += " " + encode(list)
			continue
		}
		for _, p := range m.line(y) {
			if p.Identifier == from {
				v := output(m.byID(p.StateID))
				if v == "" {
					return "", false
				}
				text += " " + v
			}
		}
	}
	return encode(map[string]string{"a": text}), true
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func descends(x, from *transport.State) bool {
	return slices.ContainsFunc(x.Parents, func(p transport.Parent) bool { return p.StateID == from.ID })
}

func (m *model) pending(x *transport.State) bool { return x.Status == transport.StatusCreated }

func (m *model) failed(x *transport.State) bool {
	return x.Status == transport.StatusErrored || x.Status == transport.StatusNextCreatedError ||
		m.reference && x.Status == transport.StatusPruned
}

// ran reports whether a join has run for an anchor state.
func (m *model) ran(join string, anchor *transport.State) bool {
	return slices.ContainsFunc(m.states, func(x *transport.State) bool {
		n := len(x.Parents)
		return x.Identifier == join && n > 0 && x.Parents[n-1].StateID == anchor.ID && !m.void[x.ID]
	})
}

// isBranch reports whether a join on an anchor state waits for x.
func (m *model) isBranch(x *transport.State, join string, anchor *transport.State) bool {
	if !descends(x, anchor) {
		return false
	}
	if m.reference {
		return true
	}
	child := x.Identifier // the state on x's ancestry that was made right after the anchor
	for i, p := range x.Parents {
		if p.StateID == anchor.ID && i+1 < len(x.Parents) {
			child = x.Parents[i+1].Identifier
		}
	}
	if u := m.graph.node(child).Unites; u != nil && u.Identifier == anchor.Identifier {
		return m.graph.leadsTo(child, join)
	}
	return true
}

// free reports whether nothing stands in the way of a join.
func (m *model) free(join string, anchor *transport.State) bool {
	for _, x := range m.states {
		if !m.isBranch(x, join, anchor) {
			continue
		}
		if m.pending(x) || m.failed(x) && m.graph.node(join).Unites.Strategy == transport.AllSuccess {
			return false
		}
	}
	return true
}

// runJoin runs one join: of the innermost anchors the first that can.
func (m *model) runJoin() bool {
	anchors := slices.Clone(m.states)
	slices.SortStableFunc(anchors, func(a, b *transport.State) int { return len(b.Parents) - len(a.Parents) })
	for _, s := range anchors {
		if s.Status != transport.StatusSuccess {
			continue
		}
		for _, n := range m.graph.nodes { // later ones never lead to earlier ones
			if n.Unites != nil && n.Unites.Identifier == s.Identifier && !m.ran(n.Identifier, s) && m.free(n.Identifier, s) {
				m.join(n.Identifier, s)
				return true
			}
		}
	}
	return false
}

func (m *model) join(id string, anchor *transport.State) {
	in, ok := m.inputs(id, anchor)
	var p *place
	for _, b := range m.below[anchor.ID] { // it has run before, and was made void
		if p == nil && b.step == id {
			p = b
		}
	}
	if p == nil {
		p = m.newPlace(anchor.ID, id)
		slices.SortStableFunc(m.below[anchor.ID], func(a, b *place) int { return m.graph.turn(a.step) - m.graph.turn(b.step) })
	}
	x := m.add(id, m.line(anchor), in, 0, p)
	if !ok {
		x.Status, x.Inputs = transport.StatusErrored, transport.Object("{}")
	}
}

// arrive is the reference server's rule: a branch that succeeds looks at the join
// that it leads to.
func (m *model) arrive(y *transport.State, join string) {
	for _, p := range m.line(y) {
		if p.Identifier != m.graph.node(join).Unites.Identifier {
			continue
		}
		if s := m.byID(p.StateID); !m.ran(join, s) && m.free(join, s) {
			m.join(join, s)
		}
	}
}

func (m *model) status() transport.RunStatus {
	status := transport.RunSuccess
	for _, x := range m.states {
		switch x.Status {
		case transport.StatusCreated:
			return transport.RunPending
		case transport.StatusErrored, transport.StatusNextCreatedError:
			status = transport.RunFailed
		default:
		}
	}
	return status
}

// String tells the states, for a test that fails.
func (m *model) String() string {
	keys := stateKeys(m.list())
	lines := make([]string, len(m.states))
	for i, x := range m.states {
		lines[i] = fmt.Sprintf("%s %s %s", keys[x.ID], x.Status, x.Inputs)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n\t")
}

// stateKeys names states by what they came from, without their ids: by parent,
// step, attempt and output. States that are the same in all of these, as manual
// retries may be, are told apart by their order.
func stateKeys(states []transport.State) map[string]string {
	keys := make(map[string]string)
	count := make(map[string]int)
	for _, s := range states {
		parent := ""
		if n := len(s.Parents); n > 0 {
			parent = keys[s.Parents[n-1].StateID]
		}
		out := s.Outputs
		if string(out) == "{}" {
			out = nil
		}
		k := fmt.Sprintf("%s/%s#%d%s", parent, s.Identifier, s.Attempt, out)
		keys[s.ID] = fmt.Sprintf("%s.%d", k, count[k])
		count[k]++
	}
	return keys
}
