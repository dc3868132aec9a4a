package statemanager

import (
	"fmt"
	"slices"
)

// checkNodes compares a graph with the nodes that are registered (protocol.md
// §6.2). It returns what is wrong, in the reference server's words and order;
// nothing means that the graph is valid.
func (l *layout) checkNodes(lookup func(nodeKey) *node, secrets map[string]string) []string {
	var missing, unsecret, unfit []string
	seen := make(map[nodeKey]bool)
	wanted := make(map[string]bool)
	for _, s := range l.steps {
		key := s.nodeKey()
		if seen[key] {
			continue
		}
		seen[key] = true
		n := lookup(key)
		if n == nil {
			missing = append(missing, key.unknown()+".")
			continue
		}
		for _, secret := range n.info.Secrets {
			if _, ok := secrets[secret]; !ok && !wanted[secret] {
				unsecret = append(unsecret, "Secret "+clip(secret)+" is required but not present in the graph template")
			}
			wanted[secret] = true
		}
	}
	for _, s := range l.steps {
		unfit = append(unfit, l.checkInputs(s, lookup)...)
	}
	return slices.Concat(missing, unsecret, unfit)
}

// checkInputs compares the inputs of a step with its node's schema, and what
// they read with the schemas of the nodes that they read from.
func (l *layout) checkInputs(s *step, lookup func(nodeKey) *node) (problems []string) {
	key := s.nodeKey()
	n := lookup(key)
	switch {
	case n == nil:
		return []string{key.unknown()}
	case n.problem != nil:
		return []string{"Validation failed due to unexpected error: " + n.problem.Error()}
	}
	for _, p := range n.inputs {
		what := "Input " + clip(p.name) + " in " + key.String()
		if !p.text {
			problems = append(problems, what+" is not a string")
		} else if _, ok := s.Inputs[p.name]; !ok {
			problems = append(problems, what+" is not present in the graph template")
		}
	}
	for _, in := range s.inputs {
		for _, piece := range in.pieces {
			if piece.kind != outputPiece {
				continue
			}
			from := l.byID[piece.identifier].nodeKey()
			source := lookup(from)
			if source == nil {
				problems = append(problems, from.unknown())
				continue
			}
			i := slices.IndexFunc(source.outputs, func(p property) bool { return p.name == piece.field })
			what := "Field " + clip(piece.field) + " in " + from.String()
			switch {
			case i < 0:
				problems = append(problems, what+" does not exist")
			case !source.outputs[i].text:
				problems = append(problems, what+" is not a string")
			}
		}
	}
	return problems
}

func (s *step) nodeKey() nodeKey { return nodeKey{s.Namespace, s.Node} }

func (k nodeKey) String() string {
	return fmt.Sprintf("node %s in namespace %s", clip(k.name), clip(k.namespace))
}

func (k nodeKey) unknown() string {
	return fmt.Sprintf("Node %s in namespace %s does not exist", clip(k.name), clip(k.namespace))
}
