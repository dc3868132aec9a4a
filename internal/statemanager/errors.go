package statemanager

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A FieldError is a field of a request that breaks a rule, as the body of a 422
// tells it (protocol.md §2).
type FieldError struct {
	Type  string         // such as "value_error"
	Loc   []any          // names and indexes from "body" to the field
	Msg   string         // what is wrong
	Input any            // what was given
	Ctx   map[string]any // what the rule compares with; nil: nothing
}

// FieldErrors is why a request was refused with status 422.
type FieldErrors []FieldError

// Error names every field and what is wrong with it, in one line.
func (f FieldErrors) Error() string {
	var b strings.Builder
	for i, e := range f {
		if i > 0 {
			b.WriteString("; ")
		}
		for j, l := range e.Loc {
			if j > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, l)
		}
		b.WriteString(": " + e.Msg)
		if reason, ok := e.Ctx["reason"].(string); ok {
			b.WriteString(": " + reason)
		}
	}
	return b.String()
}

// refused is the error that a request with such fields is answered with, nil if
// there are none.
func (f FieldErrors) refused(op string) error {
	if len(f) == 0 {
		return nil
	}
	return &transport.Error{Op: op, Status: http.StatusUnprocessableEntity, Message: cut(f.Error(), maxMessage), Err: f}
}

// valueError is a field that a rule of the protocol refuses.
func valueError(msg string, input any, loc ...any) FieldError {
	return FieldError{
		Type: "value_error", Loc: append([]any{"body"}, loc...), Msg: "Value error, " + msg,
		Input: input, Ctx: map[string]any{"error": map[string]any{}},
	}
}

// negative is a number that must be 0 or more.
func negative(input int64, loc ...any) FieldError {
	return FieldError{
		Type: "greater_than_equal", Loc: append([]any{"body"}, loc...), Input: input,
		Msg: "Input should be greater than or equal to 0", Ctx: map[string]any{"ge": 0},
	}
}

// notPositive is a number that must be more than 0.
func notPositive(input int64, loc ...any) FieldError {
	return FieldError{
		Type: "greater_than", Loc: append([]any{"body"}, loc...), Input: input,
		Msg: "Input should be greater than 0", Ctx: map[string]any{"gt": 0},
	}
}

// tooHigh is a number beyond a bound.
func tooHigh(bound, input int64, loc ...any) FieldError {
	return FieldError{
		Type: "less_than_equal", Loc: append([]any{"body"}, loc...), Input: input,
		Msg: fmt.Sprintf("Input should be less than or equal to %d", bound),
		Ctx: map[string]any{"le": bound},
	}
}

// tooLong is a string of more bytes than a limit of ours allows.
func tooLong(limit int, input string, loc ...any) FieldError {
	return FieldError{
		Type: "string_too_long", Loc: append([]any{"body"}, loc...), Input: clip(input),
		Msg: fmt.Sprintf("String should have at most %d bytes", limit),
		Ctx: map[string]any{"max_length": limit},
	}
}

// tooMany is a list or map of more items than a limit of ours allows.
func tooMany(limit, got int, loc ...any) FieldError {
	return FieldError{
		Type: "too_long", Loc: append([]any{"body"}, loc...), Input: nil,
		Msg: fmt.Sprintf("There should be at most %d items, not %d", limit, got),
		Ctx: map[string]any{"max_length": limit, "actual_length": got},
	}
}

// notObject is a value that must be a JSON object.
func notObject(reason string, loc ...any) FieldError {
	return FieldError{
		Type: "dict_type", Loc: append([]any{"body"}, loc...), Input: nil,
		Msg: "Input should be a valid dictionary",
		Ctx: map[string]any{"reason": reason},
	}
}

func refuse(op string, status int, message string) *transport.Error {
	return &transport.Error{Op: op, Status: status, Message: cut(message, maxMessage)}
}

func notFound(op, message string) *transport.Error {
	return refuse(op, http.StatusNotFound, message)
}

func badRequest(op, message string) *transport.Error {
	return refuse(op, http.StatusBadRequest, message)
}

func conflict(op, message string) *transport.Error {
	return refuse(op, http.StatusConflict, message)
}

const (
	maxMessage = 1 << 10 // transport.Error.Message's own bound
	maxClip    = 200     // how much of a name or text a message repeats
)

// clip bounds what a message repeats of the input.
func clip(s string) string { return cut(s, maxClip) }

// cut is s, or its beginning and "…" if it is longer than limit bytes.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const more = "…"
	s = s[:limit-len(more)]
	for len(s) > 0 {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + more
}
