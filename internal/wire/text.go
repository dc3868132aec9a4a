package wire

import (
	"errors"
	"fmt"
	"reflect"
)

// A Text is the codec of single values of T, by the rules by which a Val travels.
// It is safe for concurrent use. The zero Text has no use.
type Text[T any] struct {
	codec *Codec[single[T]]
}

// A single is a struct whose one field is like a Val.
type single[T any] struct{ Value val[T] }

type val[T any] struct {
	V T
	Ref
}

// TextOf gives the codec of values of type T. The error says why they cannot
// travel.
func TextOf[T any]() (Text[T], error) {
	t := reflect.TypeFor[T]()
	f, problem := formOf(t)
	if problem != "" {
		return Text[T]{}, errors.New(problem)
	}
	return Text[T]{newCodec[single[T]](plan{
		fields: []Field{{Name: "value", Type: f.name, Required: true}},
		values: []value{{form: f}},
		index:  [][]int{{0}},
	})}, nil
}

// Parse gives the value of a text. What the error says shows nothing of the text.
func (t Text[T]) Parse(text string) (T, error) {
	v, err := t.parse(text)
	if err != nil {
		var zero T
		e := ValueError{Type: t.codec.fields[0].Type, Reason: err}
		return zero, fmt.Errorf("the text is not a valid %s%s", e.Type, e.why(nil))
	}
	return v, nil
}

func (t Text[T]) parse(text string) (v T, err error) {
	f := t.codec.take()
	defer t.codec.release(f)
	at := &f.at[0]
	switch {
	case at.s != nil:
		*at.s = text
	case text == "" && !t.codec.values[0].form.empty:
		return v, isEmpty
	default:
		err = at.cell.parse([]byte(text))
	}
	return f.v.Value.V, err
}

// Format gives the text of a value.
func (t Text[T]) Format(v T) (string, error) {
	f := t.codec.take()
	defer t.codec.release(f)
	f.v.Value.V = v
	text, err := f.at[0].text()
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", t.codec.fields[0].Type, err)
	}
	return text, nil
}
