package httpapi

import (
	"slices"

	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A field is a declared member of an object that is read into an M. Members
// that are not declared are let pass unread.
type field[M any] struct {
	name      string
	required  bool
	extension bool // declared only where extensions are on
	hidden    bool
	schema    *schema
	read      func(r *reader, m *M) error
}

// required declares a member that must be there.
func required[M, T any](name string, s shape[T], at func(*M) *T) field[M] {
	f := optional(name, s, at)
	f.required = true
	return f
}

// optional declares a member that may be left out, but is not null.
func optional[M, T any](name string, s shape[T], at func(*M) *T) field[M] {
	return field[M]{
		name: name, schema: s.schema, hidden: s.hidden,
		read: func(r *reader, m *M) error { return s.read(r, at(m)) },
	}
}

// extension declares an optional member of protocol.md §13.
func extension[M, T any](name string, s shape[T], at func(*M) *T) field[M] {
	f := optional(name, s, at)
	f.extension = true
	return f
}

// maxFields is how many members an object may declare.
const maxFields = 8

// object takes a JSON object with the fields given. What is left out keeps
// what stood there, so defaults are set beforehand: see [preset]. It panics if
// there are more than maxFields.
func object[M any](fields ...field[M]) shape[M] {
	if len(fields) > maxFields {
		panic("httpapi: an object declares too many fields")
	}
	o := objectShape[M]{fields: fields}
	s := &schema{Type: "object", Properties: make(map[string]*schema, len(fields))}
	for _, f := range fields {
		s.Properties[f.name] = f.schema
		if f.required {
			s.Required = append(s.Required, f.name)
		}
		o.hides = o.hides || f.hidden
	}
	return shape[M]{schema: s, read: o.read, hidden: o.hides}
}

// preset gives a shape the defaults that it starts from.
func preset[M any](s shape[M], defaults M) shape[M] {
	return shape[M]{schema: s.schema, hidden: s.hidden, read: func(r *reader, into *M) error {
		*into = defaults
		return s.read(r, into)
	}}
}

type objectShape[M any] struct {
	fields []field[M]
	hides  bool // a field is hidden
}

// A segment is where the problems of a field stand among the reader's.
type segment struct{ from, to int }

// read reads the members in the order of the text. Of a name that occurs twice
// the last counts.
func (o *objectShape[M]) read(r *reader, into *M) error {
	if r.Peek() != '{' {
		return r.misfit("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", o.hides)
	}
	var (
		start, before = r.Pos(), len(r.problems)
		found         [maxFields]bool
		wrong         [maxFields]segment
	)
	err := r.Object(func(name jsontext.Span) error {
		i := o.field(r, name)
		if i < 0 {
			return r.Skip()
		}
		f := &o.fields[i]
		from := len(r.problems)
		r.enter(f.name)
		err := f.read(r, into)
		r.leave()
		found[i], wrong[i] = true, segment{from, len(r.problems)}
		return err
	})
	if err != nil {
		return err
	}
	missing := false
	for i := range o.fields {
		missing = missing || o.fields[i].required && !found[i]
	}
	if missing || len(r.problems) > before {
		o.tell(r, r.Part(jsontext.Span{Start: start, End: r.Pos()}), before, &found, &wrong)
	}
	return nil
}

// field is the number of the field of that name, or -1.
func (o *objectShape[M]) field(r *reader, name jsontext.Span) int {
	text := r.Text(name)
	for i := range o.fields {
		if f := &o.fields[i]; f.name == text && (!f.extension || r.extensions) {
			return i
		}
	}
	return -1
}

// tell brings the problems with an object in the order in which its fields are
// declared, which is the order in which clients expect to be told of them, and
// adds the fields that are missing.
func (o *objectShape[M]) tell(r *reader, raw string, before int, found *[maxFields]bool, wrong *[maxFields]segment) {
	told := slices.Clone(r.problems)
	r.problems = r.problems[:before]
	for i := range o.fields {
		switch f := &o.fields[i]; {
		case found[i]:
			r.problems = append(r.problems, told[wrong[i].from:wrong[i].to]...)
		case f.required:
			r.enter(f.name)
			r.add("missing", "Field required", o.shown(raw), nil)
			r.leave()
		}
	}
}

// shown is the object without the values of its hidden fields.
func (o *objectShape[M]) shown(raw string) string {
	if !o.hides {
		return raw
	}
	b := []byte{'{'}
	s := jsontext.Scan(raw)
	_ = s.Document(func(member jsontext.Span) error { // which is known to be one
		name := s.Text(member)
		value, err := s.Raw()
		for i := range o.fields {
			if f := &o.fields[i]; f.hidden && f.name == name {
				value = redacted
			}
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = jsontext.AppendString(b, name)
		b = append(b, ':')
		b = append(b, value...)
		return err
	})
	return string(append(b, '}'))
}
