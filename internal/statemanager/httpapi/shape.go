package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A shape is what a JSON value must be like to be read into a T. One that does
// not fit is told to the reader, in the words of protocol.md §2, and what was
// read of it does not count.
//
// read reads the value at hand. Its error is that the body is not JSON.
type shape[T any] struct {
	schema *schema
	read   func(r *reader, into *T) error
	hidden bool // no problem repeats such a value
}

// A reader reads one body, in one pass. It goes on after a problem, so that all
// of them are told at once.
type reader struct {
	jsontext.Scanner[string]

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
	// use for more, and a response must not outgrow the request.
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

// misfit passes the value at hand, and tells that it is of a wrong type.
func (r *reader) misfit(kind, msg string, hidden bool) error {
	raw, err := r.Raw()
	if err != nil {
		return err
	}
	if hidden {
		raw = redacted
	}
	r.add(kind, msg, raw, nil)
	return nil
}

// within reads raw, a part of the body that has been passed.
func (r *reader) within(raw string, read func() error) error {
	outer := r.Scanner
	r.Scanner = jsontext.Scan(raw)
	err := read()
	r.Scanner = outer
	return err
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

var (
	text = shape[string]{schema: aString, read: func(r *reader, into *string) error { return r.text(into, false) }}

	// secret is text that no response repeats, whatever is wrong with it.
	secret = shape[string]{schema: aString, hidden: true, read: func(r *reader, into *string) error { return r.text(into, true) }}
)

func (r *reader) text(into *string, hidden bool) error {
	if r.Peek() != '"' {
		return r.misfit("string_type", notText, hidden)
	}
	sp, err := r.String()
	if err == nil {
		*into = r.Text(sp)
	}
	return err
}

var boolean = shape[bool]{schema: aBool, read: func(r *reader, into *bool) error {
	if c := r.Peek(); c != 't' && c != 'f' {
		return r.misfit("bool_type", "Input should be a valid boolean", false)
	}
	raw, err := r.Raw()
	*into = raw == "true"
	return err
}}

// integer takes whole numbers, also in strings. Those too large for an int64
// become the largest there is.
var integer = bounded(anInt, func(int64) bool { return true }, "", "", nil)

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
	return shape[int64]{schema: s, read: func(r *reader, into *int64) error {
		raw, err := r.Raw()
		if err != nil {
			return err
		}
		n, problem := parseInt(raw)
		switch {
		case problem != nil:
			r.add(problem.kind, problem.msg, raw, nil)
		case !fits(n):
			r.add(kind, msg, raw, ctx)
		default:
			*into = n
		}
		return nil
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
	return shape[S]{schema: &schema{Type: "string", Enum: names}, read: func(r *reader, into *S) error {
		raw, err := r.Raw()
		if err != nil {
			return err
		}
		if raw[0] == '"' {
			got := unquote(raw)
			for _, v := range values {
				if string(v) == got {
					*into = v
					return nil
				}
			}
		}
		r.add("enum", msg, raw, ctx)
		return nil
	}}
}

// dict takes any JSON object and keeps it encoded.
var dict = shape[transport.Object]{schema: anObject, read: func(r *reader, into *transport.Object) error {
	if r.Peek() != '{' {
		return r.misfit("dict_type", notDict, false)
	}
	raw, err := r.Raw()
	*into = transport.Object(raw)
	return err
}}

const notDict = "Input should be a valid dictionary"

// dictOf takes a JSON object all of whose members fit. Of a name that occurs
// twice the last counts.
func dictOf[V any](value shape[V]) shape[map[string]V] {
	return shape[map[string]V]{schema: mapOf(value.schema), hidden: value.hidden, read: func(r *reader, into *map[string]V) error {
		if r.Peek() != '{' {
			return r.misfit("dict_type", notDict, value.hidden)
		}
		m := map[string]V{}
		*into = m
		var none, v V
		return r.Object(func(name jsontext.Span) error {
			v = none
			key := r.Text(name)
			r.enter(key)
			err := value.read(r, &v)
			r.leave()
			m[key] = v
			return err
		})
	}}
}

// list takes a JSON array all of whose elements fit.
func list[V any](element shape[V]) shape[[]V] {
	return shape[[]V]{schema: listOf(element.schema), read: func(r *reader, into *[]V) error {
		return readList(r, element, math.MaxInt, into)
	}}
}

// listOfAtMost is a list that is not too long.
func listOfAtMost[V any](most int, element shape[V]) shape[[]V] {
	s := listOf(element.schema)
	s.MaxItems = most
	return shape[[]V]{schema: s, read: func(r *reader, into *[]V) error { return readList(r, element, most, into) }}
}

// usual is how long most lists are at most.
const usual = 4

func readList[V any](r *reader, element shape[V], most int, into *[]V) error {
	if r.Peek() != '[' {
		return r.misfit("list_type", "Input should be a valid list", false)
	}
	start, before, n := r.Pos(), len(r.problems), 0
	l := []V{}
	err := r.Array(func() error {
		if n++; n > most {
			return r.Skip()
		}
		if cap(l) == 0 {
			l = make([]V, 0, usual)
		}
		var none V
		l = append(l, none)
		r.enterAt(n - 1)
		err := element.read(r, &l[n-1])
		r.leave()
		return err
	})
	if err == nil && n > most {
		r.problems = r.problems[:before]
		r.add("too_long", fmt.Sprintf("List should have at most %d items after validation, not %d", most, n),
			r.Part(jsontext.Span{Start: start, End: r.Pos()}),
			map[string]any{"field_type": "List", "max_length": most, "actual_length": n})
	}
	*into = l
	return err
}

// orNone is a shape that may be null, which stands for a zero T.
func orNone[T any](s shape[T]) shape[T] {
	return shape[T]{schema: orNull(s.schema), read: func(r *reader, into *T) error {
		if r.Peek() != 'n' {
			return s.read(r, into)
		}
		var none T
		*into = none
		return r.Skip()
	}}
}

// pointer reads a T that may be left out, and sets the pointer if it is not.
func pointer[T any](s shape[T]) shape[*T] {
	return shape[*T]{schema: s.schema, read: func(r *reader, into **T) error {
		*into = new(T)
		return s.read(r, *into)
	}}
}

// anyValue takes everything, as it is written.
var anyValue = shape[string]{schema: anything, read: func(r *reader, into *string) (err error) {
	*into, err = r.Raw()
	return err
}}

// described is a shape under another schema, where more is known of the value
// than the shape itself looks at.
func described[T any](s shape[T], as *schema) shape[T] {
	s.schema = as
	return s
}

// quote writes s as a JSON string.
func quote(s string) string { return string(jsontext.AppendString(nil, s)) }

// unquote gives what a JSON string stands for.
func unquote(quoted string) string {
	s := jsontext.Scan(quoted)
	sp, _ := s.String() // which is known to be one
	return s.Text(sp)
}
