package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/invopop/jsonschema"

	"github.com/exospherehost/exo-go/internal/wire"
)

// A Val is a field that holds a T: a number, a time, a list, a struct. On the
// wire it is text, as everything is there:
//
//   - numbers, booleans, strings, and types of these kinds: by strconv, as Go
//     writes them. Numbers that are not finite cannot travel.
//   - types with the methods MarshalText and UnmarshalText, such as [time.Time],
//     netip.Addr or a UUID: their text
//   - [time.Duration]: 1m30s
//   - all others, also pointers, []byte and any: JSON
//
// V is the value. A Val of a step's Out has none yet, while a graph is wired: it
// refers to the value that there will be, prints as the placeholder that stands
// for it, and connects two steps when it is assigned, alone or as part of a
// struct. Its V is zero.
//
// A text that is not of a T fails the state before the node is called. An empty
// text, where T has none, counts as absent: the default of an optional field,
// zero without one, and an error for a field that must be there.
//
// A list is also read from JSON in which texts stand for elements, such as
// [1,"007"]: what a join collects from nodes that do not say that they give JSON.
//
// The methods of T may take their time, and be called by many goroutines at once,
// each for a value of its own.
//
// Make one with [Of], or as Val[T]{V: v}; the zero Val is one that has not been
// set, which takes the field's default in the inputs of a step. Compare Vals with
// Equal, as go-cmp does, and not with ==.
type Val[T any] struct {
	V T
	ref[T]
}

// ref says what a Val refers to. It is embedded for the codec to find.
type ref[T any] = wire.Ref[T]

// Of is the Val that holds v.
func Of[T any](v T) Val[T] { return Val[T]{v, wire.Given[T]()} }

// Collected is the reference to a list of what others refer to, by their
// placeholder. Graphs are built with exo.Collect.
func Collected[T any](placeholder string) Val[[]T] {
	return Val[[]T]{nil, wire.Refer[[]T](placeholder, true)}
}

// Placeholder is what stands for the value of a reference in a graph, such as
// "${{ count.outputs.n }}". It is false for a Val that is none.
func Placeholder[T any](v Val[T]) (string, bool) { return wire.Template(v.ref) }

// Equal reports whether v and w hold equal values or refer to the same one.
// Values are equal if they are deeply equal, if they have a method Equal that says
// so, or else if they have the same JSON.
func (v Val[T]) Equal(w Val[T]) bool {
	a, isRef := Placeholder(v)
	b, isToo := Placeholder(w)
	if isRef || isToo {
		return isRef == isToo && a == b
	}
	return wire.Equal(v.V, w.V)
}

// Format prints the value as fmt prints a T, by every verb; and a reference as
// its placeholder, so that text around it can be an input.
func (v Val[T]) Format(f fmt.State, verb rune) {
	if text, is := Placeholder(v); is {
		_, _ = io.WriteString(f, text)
		return
	}
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), v.V)
}

// String is what %v prints.
func (v Val[T]) String() string { return fmt.Sprint(v) }

var errReference = errors.New("a reference to a step's output is not a value, and cannot be part of one: assign it to an input of its type")

// MarshalJSON is the JSON of the value. A reference has none.
func (v Val[T]) MarshalJSON() ([]byte, error) {
	if _, is := Placeholder(v); is {
		return nil, errReference
	}
	return json.Marshal(v.V)
}

// UnmarshalJSON reads the JSON of a value.
func (v *Val[T]) UnmarshalJSON(text []byte) error {
	var w T
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*v = Of(w)
	return nil
}

// JSONSchema is the hook of invopop/jsonschema: a string, and what is in it.
// Types that are recursive, or too large to be written out, are only said to be
// JSON.
func (Val[T]) JSONSchema() *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	isJSON, pattern := wire.Content[T]()
	s.Pattern = pattern
	if isJSON {
		s.ContentMediaType = "application/json"
		if wire.Expandable[T](maxSchemaTypes) {
			s.ContentSchema = contentSchema(new(T))
		}
	}
	return s
}

// contentSchema is the schema of what v points to, as it is in JSON: there, a
// Val is its value.
func contentSchema(v any) *jsonschema.Schema {
	r := reflector()
	r.Mapper = wire.ByVal(contentSchema)
	s := r.Reflect(v)
	s.Version = ""
	return s
}
