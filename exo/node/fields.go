package node

import (
	"fmt"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A Field is one of the inputs of a node, by its name on the wire.
type Field struct {
	Name     string
	Required bool
	Default  string // the text of an absent field, if it is not required
}

// InputFields are the node's inputs, in the order of the struct.
func (n *Node[In, Out, Sec]) InputFields() []Field {
	fields := make([]Field, len(n.in.Fields()))
	for i, f := range n.in.Fields() {
		fields[i] = Field{Name: f.Name, Required: f.Required, Default: f.Default}
	}
	return fields
}

// InFields is in, as its map of wire names to texts. A [Val] that is not set
// is the default of its field, or else zero. The error names the fields whose
// values have no text, such as a NaN.
func (n *Node[In, Out, Sec]) InFields(in In) (map[string]string, error) { return n.in.Map(in) }

// An Input is one of the inputs of a step: a field of an In, as it was filled in
// for a graph.
type Input struct {
	Name      string
	Text      string // what travels; of a reference, its placeholder
	Missing   bool   // a [Val] that must be set and is not; Text is empty
	Collected bool   // a reference made by exo.Collect
	Err       error  // why Text could not be made
}

// Inputs are the fields of in, in the order of the struct, as the inputs of a
// step. A string that is empty, and a [Val] that is not set, take the default
// of their field.
func (n *Node[In, Out, Sec]) Inputs(in In) []Input {
	fields := n.in.Inputs(in)
	inputs := make([]Input, len(fields))
	for i, f := range fields {
		inputs[i] = Input(f)
	}
	return inputs
}

// OutTemplate is an Out whose fields refer to what placeholder gives for their
// wire names: a string is the placeholder itself, a [Val] prints as it.
func (n *Node[In, Out, Sec]) OutTemplate(placeholder func(field string) string) Out {
	return n.out.Fill(placeholder)
}

// DecodeOutput decodes an output of the node, as a state manager keeps it. The
// error names the fields that do not decode, and shows no values.
func (n *Node[In, Out, Sec]) DecodeOutput(output transport.Object) (Out, error) {
	out, err := n.out.Decode(output)
	if err != nil {
		return out, fmt.Errorf("decode an output of node %q: %w", n.name, err)
	}
	return out, nil
}
