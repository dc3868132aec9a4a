package node

import (
	"fmt"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A Field is one of the inputs of a node, by its name on the wire.
type Field struct {
	Name     string
	Required bool
	Default  string // what an absent field stands for, if it is not required
}

// InputFields are the node's inputs, in the order of the struct.
func (n *Node[In, Out, Sec]) InputFields() []Field {
	fields := make([]Field, len(n.in.Fields()))
	for i, f := range n.in.Fields() {
		fields[i] = Field{Name: f.Name, Required: f.Required, Default: f.Default}
	}
	return fields
}

// InFields is in, as its map of wire names to strings.
func (n *Node[In, Out, Sec]) InFields(in In) map[string]string { return n.in.Map(in) }

// OutTemplate is an Out each of whose fields is what value gives for its wire
// name: in a graph, the template that stands for it.
func (n *Node[In, Out, Sec]) OutTemplate(value func(field string) string) Out {
	return n.out.Fill(value)
}

// DecodeOutput decodes an output of the node, as a state manager keeps it.
func (n *Node[In, Out, Sec]) DecodeOutput(output transport.Object) (Out, error) {
	out, err := n.out.Decode(output)
	if err != nil {
		return out, fmt.Errorf("decode an output of node %q: %w", n.name, err)
	}
	return out, nil
}
