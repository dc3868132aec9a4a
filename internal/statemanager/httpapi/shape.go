package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A shape is what a JSON value must be like to be read into a T. One that does
// not fit is told to the reader, in the words of protocol.md §2, and what was
// read of it does not count.
type shape[T any] struct {
	schema *schema
	read   func(r *reader, raw string, into *T)
	hidden bool // no problem repeats such a value
}

// A reader reads one body. It goes on after a problem, so that all of them are
// told at once.
type reader struct {
	extensions bool
	loc        []step
	problems   problems
}

// A step on the way to a value: the name of a member, or the index of an
// element.
type step struct {
	name  string
	index int // -1: a member
}

func (r *reader) enter(name string) { r.loc = append(r.loc, step{name, -1}) }
func (r *reader) enterAt(i int)     { r.loc = append(r.loc, step{"", i}) }
func (r *reader) leave()            { r.loc = r.loc[:len(r.loc)-1] }

const (
	// maxProblems is how many problems are told of one body: no client has a
	// use for more, and an answer must not outgrow the request.
	maxProblems = 100

	// maxEcho is the longest input, in bytes, that a problem repeats.
	maxEcho = 4 << 10
)

// add tells of a problem with the value at hand.
func (r *reader) add(kind, msg, raw string, ctx map[string]any) {
	if len(r.problems) == maxProblems {
		return
	}
	loc := make([]any, len(r.loc))
	for i, s := range r.loc {
		if loc[i] = s.index; s.index < 0 {
			loc[i] = s.name
		}
	}
	r.problems = append(r.problems, problem{Type: kind, Loc: loc, Msg: msg, Input: echo(raw), Ctx: ctx})
}

// echo is the input that a problem repeats.
func echo(raw string) json.RawMessage {
	if len(raw) > maxEcho {
		return json.RawMessage(`"(too long to repeat)"`)
	}
	return json.RawMessage(raw)
}

const (
	redacted = `"[REDACTED]"`
	notText  = "Input should be a valid string"
)

var text = shape[string]{schema: aString, read: func(r *reader, raw string, into *string) {
	if raw[0] != '"' {
		r.add("string_type", notText, raw, nil)
		return
	}
	*into = unquote(raw)
}}

// secret is text that no answer repeats, whatever is wrong with it.
var secret = shape[string]{schema: aString, hidden: true, read: func(r *reader, raw string, into *string) {
	if raw[0] != '"' {
		r.add("string_type", notText, redacted, nil)
		return
	}
	*into = unquote(raw)
}}

var boolean = shape[bool]{schema: aBool, read: func(r *reader, raw string, into *bool) {
	if raw != "true" && raw != "false" {
		r.add("bool_type", "Input should be a valid boolean", raw, nil)
		return
	}
	*into = raw == "true"
}}

// integer takes whole numbers, also in strings. Those too large for an int64
// become the largest there is.
var integer = shape[int64]{schema: anInt, read: func(r *reader, raw string, into *int64) {
	n, problem := parseInt(raw)
	if problem != nil {
		r.add(problem.kind, problem.msg, raw, nil)
		return
	}
	*into = n
}}

type intProblem struct{ kind, msg string }

var (
	notInt        = &intProblem{"int_type", "Input should be a valid integer"}
	notParsable   = &intProblem{"int_parsing", "Input should be a valid integer, unable to parse string as an integer"}
	hasFraction   = &intProblem{"int_from_float", "Input should be a valid integer, got a number with a fractional part"}
	tooLargeFloat = &intProblem{"int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"}
)

// parseInt reads an integer as it is written in JSON.
func parseInt(raw string) (int64, *intProblem) {
	switch raw[0] {
	case '"':
		return parseIntText(unquote(raw))
	case 't':
		return 1, nil
	case 'f':
		return 0, nil
	case 'n', '{', '[':
		return 0, notInt
	}
	if n, ok := saturated(raw); ok {
		return n, nil
	}
	f, err := strconv.ParseFloat(raw, 64)
	switch {
	case err != nil || math.Abs(f) >= 1<<63:
		return 0, tooLargeFloat
	case f != math.Trunc(f):
		return 0, hasFraction
	}
	return int64(f), nil
}

// parseIntText reads an integer out of a string. A fraction of nothing but
// zeros is let pass.
func parseIntText(s string) (int64, *intProblem) {
	s = strings.TrimSpace(s)
	if whole, zeros, ok := strings.Cut(s, "."); ok && strings.Trim(zeros, "0") == "" {
		s = whole
	}
	n, ok := saturated(s)
	if !ok {
		return 0, notParsable
	}
	return n, nil
}

// saturated reads decimal digits with an optional sign.
func saturated(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		return n, true
	}
	return n, errors.Is(err, strconv.ErrRange)
}

// atLeast is integer from least on.
func atLeast(least int64) shape[int64] {
	return bounded(&schema{Type: "integer", Minimum: &least}, func(n int64) bool { return n >= least },
		"greater_than_equal", "Input should be greater than or equal to "+strconv.FormatInt(least, 10), map[string]any{"ge": least})
}

// positive is integer above zero.
var positive = bounded(&schema{Type: "integer", ExclusiveMinimum: new(int64)}, func(n int64) bool { return n > 0 },
	"greater_than", "Input should be greater than 0", map[string]any{"gt": 0})

func bounded(s *schema, fits func(int64) bool, kind, msg string, ctx map[string]any) shape[int64] {
	return shape[int64]{schema: s, read: func(r *reader, raw string, into *int64) {
		before := len(r.problems)
		integer.read(r, raw, into)
		if len(r.problems) == before && !fits(*into) {
			r.add(kind, msg, raw, ctx)
		}
	}}
}

// among takes one of the strings given.
func among[S ~string](values ...S) shape[S] {
	names := make([]string, len(values))
	var expected strings.Builder
	for i, v := range values {
		names[i] = string(v)
		switch {
		case i == 0:
		case i == len(values)-1:
			expected.WriteString(" or ")
		default:
			expected.WriteString(", ")
		}
		expected.WriteString("'" + string(v) + "'")
	}
	msg := "Input should be " + expected.String()
	ctx := map[string]any{"expected": expected.String()}
	return shape[S]{schema: &schema{Type: "string", Enum: names}, read: func(r *reader, raw string, into *S) {
		if raw[0] == '"' {
			got := unquote(raw)
			for _, v := range values {
				if string(v) == got {
					*into = v
					return
				}
			}
		}
		r.add("enum", msg, raw, ctx)
	}}
}

// dict takes any JSON object and keeps it encoded.
var dict = shape[transport.Object]{schema: anObject, read: func(r *reader, raw string, into *transport.Object) {
	if raw[0] != '{' {
		r.add("dict_type", "Input should be a valid dictionary", raw, nil)
		return
	}
	*into = transport.Object(raw)
}}

// dictOf takes a JSON object all of whose members fit. Of a name that occurs
// twice the last counts.
func dictOf[V any](value shape[V]) shape[map[string]V] {
	return shape[map[string]V]{schema: mapOf(value.schema), hidden: value.hidden, read: func(r *reader, raw string, into *map[string]V) {
		if raw[0] != '{' {
			if value.hidden {
				raw = redacted
			}
			r.add("dict_type", "Input should be a valid dictionary", raw, nil)
			return
		}
		m := map[string]V{}
		members(raw, func(name, member string) {
			var v V
			r.enter(name)
			value.read(r, member, &v)
			r.leave()
			m[name] = v
		})
		*into = m
	}}
}

// list takes a JSON array all of whose elements fit.
func list[V any](element shape[V]) shape[[]V] {
	return shape[[]V]{schema: listOf(element.schema), read: func(r *reader, raw string, into *[]V) {
		if raw[0] != '[' {
			r.add("list_type", "Input should be a valid list", raw, nil)
			return
		}
		n := 0
		elements(raw, func(string) { n++ })
		l := make([]V, n)
		i := 0
		elements(raw, func(e string) {
			r.enterAt(i)
			element.read(r, e, &l[i])
			r.leave()
			i++
		})
		*into = l
	}}
}

// orNone is a shape that may be null, which leaves what was there.
func orNone[T any](s shape[T]) shape[T] {
	return shape[T]{schema: orNull(s.schema), read: func(r *reader, raw string, into *T) {
		if raw != "null" {
			s.read(r, raw, into)
		}
	}}
}

// pointer reads a T that may be left out, and sets the pointer if it is not.
func pointer[T any](s shape[T]) shape[*T] {
	return shape[*T]{schema: s.schema, read: func(r *reader, raw string, into **T) {
		v := new(T)
		s.read(r, raw, v)
		*into = v
	}}
}

// anyValue takes everything, as it is written.
var anyValue = shape[string]{schema: anything, read: func(_ *reader, raw string, into *string) { *into = raw }}

// listOfAtMost is a list that is not too long.
func listOfAtMost[V any](most int, element shape[V]) shape[[]V] {
	s := list(element)
	bound := *s.schema
	bound.MaxItems = most
	return shape[[]V]{schema: &bound, read: func(r *reader, raw string, into *[]V) {
		if raw[0] == '[' {
			n := 0
			elements(raw, func(string) { n++ })
			if n > most {
				r.add("too_long", fmt.Sprintf("List should have at most %d items after validation, not %d", most, n), raw,
					map[string]any{"field_type": "List", "max_length": most, "actual_length": n})
				return
			}
		}
		s.read(r, raw, into)
	}}
}

// described is a shape under another schema, where more is known of the value
// than the shape itself looks at.
func described[T any](s shape[T], as *schema) shape[T] {
	s.schema = as
	return s
}
