package wire

import (
	"errors"
	"fmt"
	"reflect"
)

// A Text is the codec of single values of T, in the text form of a Val.
// It is safe for concurrent use. The zero Text has no use.
type Text[T any] struct {
	form  *form
	codec *Codec[single[T]] // nil if T is loose
}

// A single is a struct whose one field is like a Val.
type single[T any] struct{ Value val[T] }

type val[T any] struct {
	V T
	Ref[T]
}

// TextOf gives the codec of values of type T. The error says why they cannot
// travel.
func TextOf[T any]() (Text[T], error) {
	t := reflect.TypeFor[T]()
	f, problem := formOf(t)
	if problem != "" {
		return Text[T]{}, errors.New(problem)
	}
	if f.loose {
		return Text[T]{form: f}, nil
	}
	return Text[T]{f, newCodec[single[T]](plan{
		fields: []Field{{Name: "value"}},
		values: []value{{form: f}},
		index:  [][]int{{0}},
	})}, nil
}

// Parse gives the value of a text. What the error says shows nothing of the text.
func (t Text[T]) Parse(text string) (T, error) {
	v, err := t.parse(text)
	if err != nil {
		var zero T
		e := ValueError{Type: t.form.name, Reason: err}
		return zero, fmt.Errorf("the text is not a valid %s%s", e.Type, e.why(nil))
	}
	return v, nil
}

func (t Text[T]) parse(text string) (v T, err error) {
	switch {
	case text == "" && !t.form.empty:
		return v, errEmpty
	case t.codec == nil:
		p := new(T)
		err = t.form.read(p, []byte(text))
		return *p, err
	}
	f := t.codec.take()
	defer t.codec.release(f)
	if at := &f.at[0]; at.s != nil {
		*at.s = text
	} else {
		err = at.cell.parse([]byte(text))
	}
	return f.v.Value.V, err
}

// Format gives the text of a value.
func (t Text[T]) Format(v T) (string, error) {
	text, err := t.format(v)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", t.form.name, err)
	}
	return text, nil
}

func (t Text[T]) format(v T) (string, error) {
	if t.codec == nil {
		p := new(T)
		*p = v
		text, err := t.form.write(p)
		return string(text), err
	}
	f := t.codec.take()
	defer t.codec.release(f)
	f.v.Value.V = v
	return f.at[0].text()
}
