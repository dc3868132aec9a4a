package exo

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
)

// Validate reports all that the state manager would refuse, without asking
// it, and some mistakes that would show only when the graph runs: a
// [*GraphInvalidError] with every mistake, or nil (protocol.md §6).
//
//   - the structure: one root, no cycles, joins that are reached, references
//     only to what comes before on every path
//   - the nodes: inputs and outputs that are not there, secrets that the graph
//     does not have, keys of the store that are not declared
//   - retry policy and cron expressions
//   - an input that is a [Val] and must be there, but was not given; one whose
//     value has no text; and one that is a reference and a value at once
//   - a reference inside of a value that travels as JSON, which what it stands
//     for would break
//   - a join of a step that fans out, unless by [UnitesEach]
//   - a join that reads a branch's output without [Collect] or [CollectAll], and
//     these where there is nothing to collect
func (g *Graph) Validate() error { return g.validate(validationNamespace) }

// validationNamespace is used while the namespace is not known.
const validationNamespace = "default"

func (g *Graph) validate(namespace string) error {
	mistakes := slices.Clone(g.mistakes)
	mistakes = append(mistakes, graph.Check(namespace, g.name, g.Spec(namespace), g.nodeInfos(namespace))...)
	for _, s := range g.steps {
		mistakes = append(mistakes, s.traps()...)
	}
	if len(mistakes) == 0 {
		return nil
	}
	return &GraphInvalidError{Graph: g.name, Errors: graph.Distinct(mistakes)}
}

// nodeInfos returns the nodes of the steps as they would be registered.
func (g *Graph) nodeInfos(namespace string) []transport.NodeInfo {
	infos := make([]transport.NodeInfo, len(g.steps))
	for i, s := range g.steps {
		infos[i] = transport.NodeInfo{NodeSpec: s.node.Spec(), Namespace: s.placement(g, namespace).Namespace}
	}
	return infos
}

// traps returns mistakes of a step that a state manager accepts, but that fail
// when the graph runs, or do something that is hardly intended.
func (s *step) traps() []string {
	var mistakes []string
	add := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Sprintf("step %q: ", s.id)+fmt.Sprintf(format, args...))
	}
	if s.unites != nil && s.unites.node.FansOut() && !s.each {
		add("unites step %q, which fans out, so it would run once for each output of that step: unite a step before it, or use UnitesEach", s.unites.id)
	}
	if len(s.parents) > 0 || s.unites != nil { // a trigger may give the root's
		for _, name := range s.missing {
			add("input %q is not given: assign an output, or a value with exo.Of", name)
		}
	}
	structured := jsonInputs(s.node)
	for _, name := range slices.Sorted(maps.Keys(s.inputs)) {
		text := s.inputs[name]
		references := graph.OutputReferences(text)
		if structured[name] && strings.Contains(text, "${{") && !loneReference(text) {
			add("input %q travels as JSON, and only part of its value is a reference: make the whole value a reference", name)
		}
		if s.collected[name] && (!loneReference(text) || len(references) != 1) {
			add("input %q: Collect and CollectAll stand alone, and take a field of a step's Out", name)
			continue
		}
		for _, id := range references {
			switch branch := s.isBranch(id); {
			case branch && !s.collected[name]:
				add("input %q reads step %q, which may have many states: use Collect or CollectAll", name, id)
			case !branch && s.collected[name]:
				add("input %q: Collect and CollectAll take the output of a step between the step that is united and this one, which %q is not", name, id)
			}
		}
	}
	return mistakes
}

// isBranch reports whether the step with that ID lies between s, a join, and
// its anchor.
func (s *step) isBranch(id string) bool {
	if s.unites == nil {
		return false
	}
	below := map[*step]bool{s.unites: true} // whether the anchor leads to a step
	var isBelow func(*step) bool
	isBelow = func(at *step) bool {
		yes, known := below[at]
		if !known {
			for _, before := range at.ancestry() {
				yes = isBelow(before) || yes
			}
			below[at] = yes
		}
		return yes
	}
	isBelow(s)
	for at, yes := range below { // everything that leads to s has been looked at
		if yes && at.id == id && at != s && at != s.unites {
			return true
		}
	}
	return false
}

// ancestry returns the direct predecessors of the step in its states' ancestry,
// and the steps that lead to it.
func (s *step) ancestry() []*step {
	if s.unites == nil {
		return s.parents
	}
	return append(slices.Clip(s.parents), s.unites)
}

// loneReference reports whether text is exactly one placeholder.
func loneReference(text string) bool {
	text = strings.TrimSpace(text)
	return strings.Count(text, "${{") == 1 && strings.HasPrefix(text, "${{") && strings.HasSuffix(text, "}}")
}

// jsonInputs returns the inputs of a node that travel as JSON, according to its
// schema.
func jsonInputs(n node.Any) map[string]bool {
	var schema struct {
		Properties map[string]struct {
			ContentMediaType string `json:"contentMediaType"`
		} `json:"properties"`
	}
	found := map[string]bool{}
	if err := json.Unmarshal(n.Spec().InputsSchema, &schema); err != nil {
		return found
	}
	for name, p := range schema.Properties {
		if p.ContentMediaType == "application/json" {
			found[name] = true
		}
	}
	return found
}
