package statemanager

import (
	"fmt"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
)

// CheckGraph says what PutGraph would refuse about a graph, and what would
// make it INVALID if nodes were all that is registered: nothing means VALID. It
// is for those who build graphs, so it goes on where a request is refused at the
// first kind of mistake, and names steps rather than positions.
func CheckGraph(namespace, name string, g transport.GraphSpec, nodes []transport.NodeInfo) []string {
	spec := normalize(g)
	_, wrong := checkFields(namespace, name, &g, &spec)
	problems := make([]string, 0, len(wrong))
	for _, w := range wrong {
		problems = append(problems, w.forBuilder(spec.Nodes))
	}
	l, more, sound := layOut(name, &spec, Rules{}.joins())
	problems = append(problems, more...)
	if sound {
		problems = append(problems, l.checkNodes(lookupIn(nodes), spec.Secrets)...)
	}
	return problems
}

// lookupIn finds nodes as if they were registered.
func lookupIn(nodes []transport.NodeInfo) func(nodeKey) *node {
	known := make(map[nodeKey]*node, len(nodes))
	for _, info := range nodes {
		n := &node{info: info}
		n.inputs, n.outputs, n.problem = readSchemas(&info.NodeSpec)
		known[nodeKey{info.Namespace, info.Name}] = n
	}
	return func(k nodeKey) *node { return known[k] }
}

// forBuilder is the error in terms of steps.
func (f FieldError) forBuilder(steps []transport.Placement) string {
	loc := f.Loc[1:] // without "body"
	var where strings.Builder
	if len(loc) > 1 && loc[0] == "nodes" {
		if i, ok := loc[1].(int); ok && i < len(steps) {
			fmt.Fprintf(&where, "step %q: ", steps[i].Identifier)
			loc = loc[2:]
		}
	}
	for i, l := range loc {
		if i > 0 {
			where.WriteByte('.')
		}
		fmt.Fprint(&where, l)
	}
	text := where.String() + ": " + strings.TrimPrefix(f.Msg, "Value error, ")
	if reason, ok := f.Ctx["reason"].(string); ok {
		text += ": " + reason
	}
	return text
}

// OutputReferences lists the steps whose outputs the placeholders of an input
// name, in order. Text that is not to be understood names none.
func OutputReferences(input string) []string {
	pieces, err := parsePlaceholders(input)
	if err != nil {
		return nil
	}
	var steps []string
	for _, p := range pieces {
		if p.kind == outputPiece {
			steps = append(steps, p.identifier)
		}
	}
	return steps
}

// CollectsBranches reports whether a join of the graph reads outputs of its
// branches, which is an extension (protocol.md §13). It is for graphs that
// CheckGraph finds nothing wrong with.
func CollectsBranches(name string, g transport.GraphSpec) bool {
	spec := normalize(g)
	_, _, with := layOut(name, &spec, Rules{}.joins())
	_, _, without := layOut(name, &spec, Rules{AsReference: true}.joins())
	return with && !without
}
