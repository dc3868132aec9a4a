package httpapi

import (
	"fmt"
	"strings"

	"github.com/exospherehost/exo-go/internal/graph"
)

// A problem is a field of a request that breaks a rule, in the words of
// protocol.md §2.
type problem struct {
	Type  string         // such as "value_error"
	Loc   []any          // names and indexes from "body" to the field
	Msg   string         // what is wrong
	Input any            // what was given
	Ctx   map[string]any // what the rule compares with; nil: nothing
}

// problems is why a request is refused with status 422.
type problems []problem

// Error names every field and what is wrong with it, in one line.
func (p problems) Error() string {
	texts := make([]string, len(p))
	for i := range p {
		texts[i] = graph.Where(p[i].Loc) + p[i].Msg
	}
	return strings.Join(texts, "; ")
}

// inWords puts what the engine found wrong with the fields of a body.
func inWords(found graph.Problems) problems {
	list := make(problems, len(found))
	for i := range found {
		list[i] = problem{Loc: append([]any{"body"}, found[i].Path...), Input: found[i].Input}
		list[i].say(found[i].Fault)
	}
	return list
}

func (p *problem) say(fault graph.Fault) {
	switch f := fault.(type) {
	case graph.Rule:
		p.Type, p.Msg = "value_error", "Value error, "+f.Text
		p.Ctx = map[string]any{"error": map[string]any{}}
		if f.Reason != "" {
			p.Ctx["reason"] = f.Reason
		}
	case graph.Missing:
		p.Type, p.Msg = "missing", "Field required"
		p.Ctx = map[string]any{"reason": f.Reason}
	case graph.Below:
		p.Type, p.Msg = "greater_than_equal", fmt.Sprintf("Input should be greater than or equal to %d", f.Least)
		p.Ctx = map[string]any{"ge": f.Least}
	case graph.NotAbove:
		p.Type, p.Msg = "greater_than", fmt.Sprintf("Input should be greater than %d", f.Bound)
		p.Ctx = map[string]any{"gt": f.Bound}
	case graph.Above:
		p.Type, p.Msg = "less_than_equal", fmt.Sprintf("Input should be less than or equal to %d", f.Most)
		p.Ctx = map[string]any{"le": f.Most}
	case graph.NotAmong:
		p.Type, p.Msg = "enum", "Input should be "+f.List()
		p.Ctx = map[string]any{"expected": f.List()}
	case graph.TooLong:
		p.Type, p.Msg = "string_too_long", fmt.Sprintf("String should have at most %d bytes", f.Most)
		p.Ctx = map[string]any{"max_length": f.Most}
	case graph.TooMany:
		p.Type, p.Msg = "too_long", fmt.Sprintf("There should be at most %d items, not %d", f.Most, f.Got)
		p.Ctx = map[string]any{"max_length": f.Most, "actual_length": f.Got}
	case graph.NotObject:
		p.Type, p.Msg = "dict_type", "Input should be a valid dictionary"
		p.Ctx = map[string]any{"reason": f.Reason}
	}
}
