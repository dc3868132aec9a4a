package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A ValueError says that the text of a field is not that of one of its values.
type ValueError struct {
	Field  string // on the wire
	Type   string
	Text   string // all of it
	Reason error

	field int // its number
}

// ValueErrors are all such fields of an object. What Error says shows nothing of
// the texts; see [ValueErrors.Show].
type ValueErrors []ValueError

const errEmpty = reason("the text is empty")

// inOrder is e, sorted by fields.
func (e ValueErrors) inOrder() ValueErrors {
	slices.SortFunc(e, func(a, b ValueError) int { return a.field - b.field })
	return e
}

// Error names fields and types alone.
func (e ValueErrors) Error() string {
	return e.join(func(v *ValueError) string {
		if errors.Is(v.Reason, errEmpty) {
			return v.reading(nil) // there is nothing to hide
		}
		return "the text is not a valid " + v.Type + v.why(nil)
	})
}

// Show is Error with the texts, each shortened after it went through hide, which
// removes what must not be shown.
func (e ValueErrors) Show(hide func(string) string) string {
	return e.join(func(v *ValueError) string { return v.reading(hide) })
}

func (e ValueErrors) join(say func(*ValueError) string) string {
	said := make([]string, len(e))
	for i := range e {
		said[i] = fmt.Sprintf("field %q: %s", e[i].Field, say(&e[i]))
	}
	return strings.Join(said, "; ")
}

// reading says what could not be read, and why. A nil hide hides nothing.
func (e *ValueError) reading(hide func(string) string) string {
	if errors.Is(e.Reason, errEmpty) {
		return "the text is empty, want one of type " + e.Type
	}
	if hide == nil {
		hide = func(s string) string { return s }
	}
	return fmt.Sprintf("%q is not a valid %s%s", clip(hide(e.Text)), e.Type, e.why(hide))
}

// why is the reason, ready to be appended. Without hide, it shows nothing of the
// text.
func (e *ValueError) why(hide func(string) string) string {
	var (
		plain  reason
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case errors.As(e.Reason, &plain), errors.As(e.Reason, &syntax):
		return ": " + e.Reason.Error()
	case hide != nil:
		return ": " + clip(hide(e.Reason.Error()))
	case errors.As(e.Reason, &kind):
		what, _, _ := strings.Cut(kind.Value, " ") // "number 300" shows the number
		return fmt.Sprintf(": JSON %s where %s is wanted", what, kind.Type)
	}
	return ""
}

// maxShown is how much of a text an error shows, in bytes.
const maxShown = 100

func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	n := maxShown
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
