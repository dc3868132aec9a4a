package wire

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// A cell reads and writes one value in a frame, to which it points. It is made
// by reflection, with the frame, and does without from then on: encoding/json
// and the methods of the value's type are all that it calls.
type cell interface {
	// parse sets the value, which is zero, to that of a text. It keeps nothing
	// of the text. The value is undefined after an error.
	parse(text []byte) error

	// append appends the text of the value.
	append(dst []byte) ([]byte, error)
}

// A reason says why a text is not that of a value, and shows nothing of it.
type reason string

func (r reason) Error() string { return string(r) }

// numberReason is the reason in an error of strconv, which quotes the text.
func numberReason(err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return reason(strconv.ErrRange.Error())
	}
	return reason(strconv.ErrSyntax.Error())
}

const notFinite = reason("is not a finite number")

type boolCell struct{ v *bool }

func (c boolCell) parse(text []byte) error {
	v, err := strconv.ParseBool(string(text))
	if err != nil {
		return numberReason(err)
	}
	*c.v = v
	return nil
}

func (c boolCell) append(dst []byte) ([]byte, error) { return strconv.AppendBool(dst, *c.v), nil }

type intCell[T int | int8 | int16 | int32 | int64] struct {
	v    *T
	bits int
}

func (c intCell[T]) parse(text []byte) error {
	v, err := strconv.ParseInt(string(text), 10, c.bits)
	if err != nil {
		return numberReason(err)
	}
	*c.v = T(v)
	return nil
}

func (c intCell[T]) append(dst []byte) ([]byte, error) {
	return strconv.AppendInt(dst, int64(*c.v), 10), nil
}

type uintCell[T uint | uint8 | uint16 | uint32 | uint64 | uintptr] struct {
	v    *T
	bits int
}

func (c uintCell[T]) parse(text []byte) error {
	v, err := strconv.ParseUint(string(text), 10, c.bits)
	if err != nil {
		return numberReason(err)
	}
	*c.v = T(v)
	return nil
}

func (c uintCell[T]) append(dst []byte) ([]byte, error) {
	return strconv.AppendUint(dst, uint64(*c.v), 10), nil
}

type floatCell[T float32 | float64] struct {
	v    *T
	bits int
}

func (c floatCell[T]) parse(text []byte) error {
	v, err := parseFloat(text, c.bits)
	if err != nil {
		return err
	}
	*c.v = T(v)
	return nil
}

func parseFloat(text []byte, bits int) (float64, error) {
	v, err := strconv.ParseFloat(string(text), bits)
	if err != nil {
		return 0, numberReason(err)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, notFinite
	}
	return v, nil
}

func (c floatCell[T]) append(dst []byte) ([]byte, error) {
	return appendFloat(dst, float64(*c.v), c.bits)
}

// appendFloat writes f as encoding/json does, so that a number reads the same by
// itself and in a list. JSON has no number that is not finite.
func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, notFinite
	}
	notation := byte('f')
	abs := math.Abs(f)
	if bits == 32 {
		if a := float32(abs); a != 0 && (a < 1e-6 || a >= 1e21) {
			notation = 'e'
		}
	} else if abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		notation = 'e'
	}
	dst = strconv.AppendFloat(dst, f, notation, -1, bits)
	if n := len(dst); notation == 'e' && n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1] // e-09 to e-9
		dst = dst[:n-1]
	}
	return dst, nil
}

type durationCell struct{ v *time.Duration }

func (c durationCell) parse(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return reason("want a form such as 1m30s")
	}
	*c.v = v
	return nil
}

func (c durationCell) append(dst []byte) ([]byte, error) { return append(dst, c.v.String()...), nil }

// A texter is a type that has texts of its own.
type texter interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}

type textCell struct {
	v        texter
	appender encoding.TextAppender // v, if it is one
}

func (c textCell) parse(text []byte) error { return c.v.UnmarshalText(text) }

func (c textCell) append(dst []byte) ([]byte, error) {
	if c.appender != nil {
		return c.appender.AppendText(dst)
	}
	text, err := c.v.MarshalText()
	return append(dst, text...), err
}

// A jsonCell is for all that encoding/json is for.
type jsonCell struct {
	v       any   // a pointer to the value
	elem    *form // of a slice; nil: not one
	encoder *json.Encoder
	dst     []byte // where the encoder writes to
}

func newJSONCell(v any, elem *form) *jsonCell {
	c := &jsonCell{v: v, elem: elem}
	c.encoder = json.NewEncoder(c)
	c.encoder.SetEscapeHTML(false) // the text may be read by people
	return c
}

// Write is what the encoder calls.
func (c *jsonCell) Write(text []byte) (int, error) {
	c.dst = append(c.dst, text...)
	return len(text), nil
}

func (c *jsonCell) append(dst []byte) ([]byte, error) {
	n := len(dst)
	c.dst = dst
	err := c.encoder.Encode(c.v)
	dst, c.dst = c.dst, nil
	if err != nil {
		return dst[:n], err
	}
	return dst[:len(dst)-1], nil // without the encoder's newline
}

// parse also takes a list of the texts that the elements would have by
// themselves, which is what a state manager makes of the outputs of branches that
// are no JSON (protocol.md §13, collect).
func (c *jsonCell) parse(text []byte) error {
	err := json.Unmarshal(text, c.v)
	if err == nil || c.elem == nil || c.elem.kind == formString {
		return err
	}
	var texts []string
	if json.Unmarshal(text, &texts) != nil {
		return err
	}
	list := []byte{'['}
	for i, element := range texts {
		if i > 0 {
			list = append(list, ',')
		}
		var wrong error
		if list, wrong = c.elem.appendJSON(list, element); wrong != nil {
			return fmt.Errorf("element %d: %w", i, wrong)
		}
	}
	if err := json.Unmarshal([]byte("null"), c.v); err != nil { // what the first attempt left
		return err
	}
	return json.Unmarshal(append(list, ']'), c.v)
}

// appendJSON appends the JSON of the value that text is of. Widths are looked at
// when it is read.
func (f *form) appendJSON(dst []byte, text string) ([]byte, error) {
	switch f.kind {
	case formInt:
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return dst, numberReason(err)
		}
		return strconv.AppendInt(dst, v, 10), nil
	case formUint:
		v, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return dst, numberReason(err)
		}
		return strconv.AppendUint(dst, v, 10), nil
	case formFloat:
		v, err := parseFloat([]byte(text), 64)
		if err != nil {
			return dst, err
		}
		return appendFloat(dst, v, 64)
	case formBool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return dst, numberReason(err)
		}
		return strconv.AppendBool(dst, v), nil
	case formDuration:
		v, err := time.ParseDuration(text)
		if err != nil {
			return dst, reason("want a form such as 1m30s")
		}
		return strconv.AppendInt(dst, int64(v), 10), nil
	case formText, formJSON, formString:
	}
	if !json.Valid([]byte(text)) {
		return dst, reason("is not JSON")
	}
	return append(dst, text...), nil
}
