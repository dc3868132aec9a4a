package graph

import (
	"fmt"
	"strings"
)

// A Problem is a field of a request that breaks a rule. It holds the field and
// the fault; the layer that reports it chooses the words.
type Problem struct {
	Path  []any // path to the field, of protocol names and indexes
	Fault Fault
	Input any // the value given; nil if it should not be repeated
}

// Wrong returns a problem with the value at path.
func Wrong(fault Fault, input any, path ...any) Problem {
	return Problem{Path: path, Fault: fault, Input: input}
}

func (p Problem) String() string { return Where(p.Path) + p.Fault.String() }

// Where formats a path as the beginning of a message: "nodes.0.identifier: ".
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

// Problems lists everything that is wrong with the fields of a request.
type Problems []Problem //nolint:errname // it is a list of Problem

// Error lists every field and its fault on one line.
func (p Problems) Error() string {
	texts := make([]string, len(p))
	for i, problem := range p {
		texts[i] = problem.String()
	}
	return strings.Join(texts, "; ")
}

// Add adds a problem with the value at path.
func (p *Problems) Add(fault Fault, input any, path ...any) {
	*p = append(*p, Wrong(fault, input, path...))
}

// A Fault is what is wrong with a field: one of the types below. Its String
// completes a sentence that begins with the name of the field.
type Fault interface{ String() string }

type (
	// A Rule reports a broken rule of the protocol. Text is the rule's message,
	// Reason an optional detail.
	Rule struct{ Text, Reason string }

	// Missing reports a required field that is absent.
	Missing struct{ Reason string }

	// Below reports a number that must be at least Least.
	Below struct{ Least int64 }

	// NotAbove reports a number that must be greater than Bound.
	NotAbove struct{ Bound int64 }

	// Above reports a number that must be at most Most.
	Above struct{ Most int64 }

	// NotAmong reports a text that must be one of Allowed.
	NotAmong struct{ Allowed []string }

	// TooLong reports a text of more than Most bytes.
	TooLong struct{ Most int }

	// TooMany reports a list or map of more than Most items.
	TooMany struct{ Most, Got int }

	// NotObject reports a value that must be a JSON object.
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

// List returns the allowed texts in words: 'A', 'B' or 'C'.
func (f NotAmong) List() string {
	quoted := make([]string, len(f.Allowed))
	for i, a := range f.Allowed {
		quoted[i] = "'" + a + "'"
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}
