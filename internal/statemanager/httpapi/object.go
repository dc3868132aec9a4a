package httpapi

import (
	"github.com/exospherehost/exo-go/internal/wire"
)

// A field is a declared member of an object that is read into an M. Members
// that are not declared are let pass unread.
type field[M any] struct {
	name      string
	required  bool
	extension bool // declared only where extensions are on
	hidden    bool
	schema    *schema
	read      func(r *reader, raw string, m *M)
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
		read: func(r *reader, raw string, m *M) { s.read(r, raw, at(m)) },
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
	return shape[M]{schema: s.schema, hidden: s.hidden, read: func(r *reader, raw string, into *M) {
		*into = defaults
		s.read(r, raw, into)
	}}
}

type objectShape[M any] struct {
	fields []field[M]
	hides  bool // a field is hidden
}

// read goes through the fields in the order in which they are declared, which
// is the order in which clients expect to be told of problems.
func (o *objectShape[M]) read(r *reader, raw string, into *M) {
	if raw[0] != '{' {
		if o.hides {
			raw = redacted
		}
		r.add("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", raw, nil)
		return
	}
	var values [maxFields]string
	members(raw, func(name, value string) {
		for i := range o.fields {
			if o.fields[i].name == name {
				values[i] = value
			}
		}
	})
	for i := range o.fields {
		f := &o.fields[i]
		switch {
		case f.extension && !r.extensions:
		case values[i] != "":
			r.enter(f.name)
			f.read(r, values[i], into)
			r.leave()
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
	members(raw, func(name, value string) {
		for i := range o.fields {
			if f := &o.fields[i]; f.hidden && f.name == name {
				value = redacted
			}
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = wire.AppendString(b, name)
		b = append(b, ':')
		b = append(b, value...)
	})
	return string(append(b, '}'))
}
