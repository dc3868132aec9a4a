package wire

import (
	"encoding"
	"errors"
	"math"
	"strconv"
	"time"
)

// A cell reads and writes one value in a frame, to which it points. It is made
// by reflection, with the frame, and does without from then on.
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

const errNotFinite = reason("is not a finite number")

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
		return 0, errNotFinite
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
		return dst, errNotFinite
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

// A textCell is for those whose methods neither wait nor call back.
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
