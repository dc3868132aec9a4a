package graph

import (
	"fmt"
	"strings"
)

// A Problem is a field of a request that breaks a rule. It says which field and
// what is wrong; in which words a client is told is up to those who tell it.
type Problem struct {
	Path  []any // names and indexes that lead to the field, by the names of the protocol
	Fault Fault
	Input any // what was given; nil: it is not repeated
}

// Wrong is a problem with what stands at path.
func Wrong(fault Fault, input any, path ...any) Problem {
	return Problem{Path: path, Fault: fault, Input: input}
}

func (p Problem) String() string { return Where(p.Path) + p.Fault.String() }

// Where is a path as messages begin with it: "nodes.0.identifier: ".
func Where(path []any) string {
	if len(path) == 0 {
		return ""
	}
	var b strings.Builder
	for i, at := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		fmt.Fprint(&b, at)
	}
	return b.String() + ": "
}

// Problems are all that is wrong with the fields of a request.
type Problems []Problem //nolint:errname // it is a list of Problem

// Error names every field and what is wrong with it, in one line.
func (p Problems) Error() string {
	texts := make([]string, len(p))
	for i, problem := range p {
		texts[i] = problem.String()
	}
	return strings.Join(texts, "; ")
}

// Add adds a problem with what stands at path.
func (p *Problems) Add(fault Fault, input any, path ...any) {
	*p = append(*p, Wrong(fault, input, path...))
}

// A Fault is what is wrong with a field: one of the types below. Its String
// completes a sentence that begins with the field.
type Fault interface{ String() string }

type (
	// A Rule of the protocol is broken, which Text says in its words. Reason,
	// which may be empty, says more.
	Rule struct{ Text, Reason string }

	// Missing is a field that has to be there.
	Missing struct{ Reason string }

	// Below is a number that must be at least Least.
	Below struct{ Least int64 }

	// NotAbove is a number that must be more than Bound.
	NotAbove struct{ Bound int64 }

	// Above is a number that must be at most Most.
	Above struct{ Most int64 }

	// NotAmong is a text that must be one of a few.
	NotAmong struct{ Allowed []string }

	// TooLong is a text of more bytes than are allowed.
	TooLong struct{ Most int }

	// TooMany is a list or map of more items than are allowed.
	TooMany struct{ Most, Got int }

	// NotObject is a value that must be a JSON object.
	NotObject struct{ Reason string }
)

func (f Rule) String() string {
	if f.Reason == "" {
		return f.Text
	}
	return f.Text + ": " + f.Reason
}

func (f Missing) String() string   { return "is required: " + f.Reason }
func (f Below) String() string     { return fmt.Sprintf("must be at least %d", f.Least) }
func (f NotAbove) String() string  { return fmt.Sprintf("must be greater than %d", f.Bound) }
func (f Above) String() string     { return fmt.Sprintf("must be at most %d", f.Most) }
func (f NotAmong) String() string  { return "must be " + f.List() }
func (f TooLong) String() string   { return fmt.Sprintf("must be at most %d bytes long", f.Most) }
func (f NotObject) String() string { return "must be a JSON object: " + f.Reason }

func (f TooMany) String() string {
	return fmt.Sprintf("must have at most %d items, not %d", f.Most, f.Got)
}

// List is what is allowed, in words: 'A', 'B' or 'C'.
func (f NotAmong) List() string {
	quoted := make([]string, len(f.Allowed))
	for i, a := range f.Allowed {
		quoted[i] = "'" + a + "'"
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}
