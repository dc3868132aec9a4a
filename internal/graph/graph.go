// Package graph checks graphs (protocol.md §6). The graph builder and the state
// manager share its checks.
//
// [Read] checks the fields, [LayOut] the structure, and [Layout.CheckNodes] the
// registered nodes. They are separate because a state manager rejects a graph
// at the first kind of mistake. [Check] runs all of them for a builder.
package graph

import (
	"fmt"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
)

// Check returns what a state manager would reject about a graph, and what would
// make it INVALID if nodes were the only registered ones. An empty result means
// VALID. It is meant for graph builders: it goes on where a state manager
// stops, and names steps instead of positions.
func Check(namespace, name string, g transport.GraphSpec, nodes []transport.NodeInfo) []string {
	spec, _, wrong := Read(namespace, name, g)
	problems := make([]string, 0, len(wrong))
	for _, w := range wrong {
		problems = append(problems, w.forBuilder(spec.Nodes))
	}
	l, unsound := LayOut(name, &spec, true)
	problems = append(problems, unsound...)
	known := make(map[NodeKey]*Node, len(nodes))
	for _, n := range nodes {
		known[NodeKey{n.Namespace, n.Name}] = ReadNode(&n.NodeSpec)
	}
	lookup := func(k NodeKey) *Node {
		if k.Name == "" {
			return new(Node) // already reported
		}
		return known[k]
	}
	for _, m := range l.CheckNodes(lookup, spec.Secrets) {
		if m.Step != nil {
			m.Text = fmt.Sprintf("step %q: %s", m.Step.Identifier, m.Text)
		}
		problems = append(problems, m.Text)
	}
	return Distinct(problems)
}

// Distinct returns the problems of a graph without repetitions. The reference
// server, and so every state manager, reports an unregistered node several
// times, with and without a full stop.
func Distinct(problems []string) []string {
	list := make([]string, 0, len(problems))
	seen := make(map[string]bool, len(problems))
	for _, p := range problems {
		if p = strings.TrimSuffix(p, "."); !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	return list
}

// forBuilder returns the problem in terms of steps.
func (p Problem) forBuilder(steps []transport.Placement) string {
	if len(p.Path) > 1 && p.Path[0] == "nodes" {
		if i, ok := p.Path[1].(int); ok && i < len(steps) {
			return fmt.Sprintf("step %q: ", steps[i].Identifier) + Problem{Path: p.Path[2:], Fault: p.Fault}.String()
		}
	}
	return p.String()
}

// CollectsBranches reports whether a join of the graph reads outputs of its
// branches, which is an extension (protocol.md §13). The graph must have passed
// Check.
func CollectsBranches(name string, g transport.GraphSpec) bool {
	spec := normalize(g)
	_, with := LayOut(name, &spec, true)
	_, without := LayOut(name, &spec, false)
	return len(with) == 0 && len(without) > 0
}
