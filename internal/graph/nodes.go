package graph

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
)

// NodeKey names a registered node.
type NodeKey struct{ Namespace, Name string }

func (k NodeKey) String() string {
	return fmt.Sprintf("node %s in namespace %s", clip.Text(k.Name), clip.Text(k.Namespace))
}

func (k NodeKey) unknown() string {
	return fmt.Sprintf("Node %s in namespace %s does not exist", clip.Text(k.Name), clip.Text(k.Namespace))
}

// NodeKey returns the key of the node that the step places.
func (s *Step) NodeKey() NodeKey { return NodeKey{s.Namespace, s.Node} }

// A Node holds what graph checks need of a registered node.
type Node struct {
	Secrets []string
	Inputs  []Property

	outputs []Property
	problem error // why the schemas cannot be read, or nil
}

// ReadNode reads the schemas of a node.
func ReadNode(spec *transport.NodeSpec) *Node {
	n := &Node{Secrets: slices.Clone(spec.Secrets)}
	var err error
	if n.Inputs, err = readSchema(spec.InputsSchema); err != nil {
		n.problem = &schemaError{"inputs", spec.Name, err}
	} else if n.outputs, err = readSchema(spec.OutputsSchema); err != nil {
		n.problem = &schemaError{"outputs", spec.Name, err}
	}
	return n
}

// OutputIsJSON reports whether the schema declares the output to hold JSON.
func (n *Node) OutputIsJSON(field string) bool {
	return slices.ContainsFunc(n.outputs, func(p Property) bool { return p.Name == field && p.json })
}

// A schemaError reports a schema that cannot be read.
type schemaError struct {
	which, node string
	err         error
}

func (s *schemaError) Error() string {
	return "the " + s.which + " schema of node " + strconv.Quote(clip.Text(s.node)) + " is invalid: " + s.err.Error()
}

func (s *schemaError) Unwrap() error { return s.err }

// A Misfit is a reason why a graph does not fit the registered nodes.
type Misfit struct {
	Step *Step // the step whose input it is about; nil if it is about a node or a secret
	Text string
}

// CheckNodes compares a graph with the registered nodes (protocol.md §6.2).
// lookup returns nil for a node that is not registered. The result lists the
// problems in the reference server's words and order, with an unregistered node
// more than once. An empty result means that the graph is valid.
func (l *Layout) CheckNodes(lookup func(NodeKey) *Node, secrets map[string]string) []Misfit {
	var missing, unsecret, unfit []Misfit
	seen := make(map[NodeKey]bool)
	wanted := make(map[string]bool)
	for _, s := range l.Steps {
		key := s.NodeKey()
		if seen[key] {
			continue
		}
		seen[key] = true
		n := lookup(key)
		if n == nil {
			missing = append(missing, Misfit{Text: key.unknown() + "."})
			continue
		}
		for _, secret := range n.Secrets {
			if _, ok := secrets[secret]; !ok && !wanted[secret] {
				unsecret = append(unsecret, Misfit{Text: "Secret " + clip.Text(secret) + " is required but not present in the graph template"})
			}
			wanted[secret] = true
		}
	}
	for _, s := range l.Steps {
		unfit = append(unfit, l.checkInputs(s, lookup)...)
	}
	return slices.Concat(missing, unsecret, unfit)
}

// checkInputs compares the inputs of a step with its node's inputs schema, and
// the outputs that they read with the outputs schemas of those nodes.
func (l *Layout) checkInputs(s *Step, lookup func(NodeKey) *Node) (problems []Misfit) {
	key := s.NodeKey()
	n := lookup(key)
	switch {
	case n == nil:
		return []Misfit{{Text: key.unknown()}}
	case n.problem != nil:
		return []Misfit{{Text: "Validation failed due to unexpected error: " + n.problem.Error()}}
	}
	for _, p := range n.Inputs {
		what := "Input " + clip.Text(p.Name) + " in " + key.String()
		if !p.text {
			problems = append(problems, Misfit{s, what + " is not a string"})
		} else if _, ok := s.Inputs[p.Name]; !ok {
			problems = append(problems, Misfit{s, what + " is not present in the graph template"})
		}
	}
	for _, in := range s.Texts {
		for _, read := range in.reads {
			if !read.ReadsStep() {
				continue
			}
			step := l.Step(read.Identifier)
			if step == nil {
				continue // checkReads has reported it
			}
			from := step.NodeKey()
			source := lookup(from)
			if source == nil {
				problems = append(problems, Misfit{Text: from.unknown()})
				continue
			}
			i := slices.IndexFunc(source.outputs, func(p Property) bool { return p.Name == read.Field })
			what := "Field " + clip.Text(read.Field) + " in " + from.String()
			switch {
			case i < 0:
				problems = append(problems, Misfit{s, what + " does not exist"})
			case !source.outputs[i].text:
				problems = append(problems, Misfit{s, what + " is not a string"})
			}
		}
	}
	return problems
}
