package wire

import (
	"reflect"
	"strings"
)

// A DefinitionError lists all that makes a type unfit for the wire.
type DefinitionError struct {
	Type     string   // the type's name
	Problems []string // each names the field, what is wrong, and what to do
	Fields   []Field  // those that are right
}

func (e *DefinitionError) Error() string {
	return "type " + e.Type + ": " + strings.Join(e.Problems, "; ")
}

// TypeName is the name of T, for messages.
func TypeName[T any]() string { return typeName(reflect.TypeFor[T]()) }

// Expandable reports whether T can be written out in full, as a schema without
// references does: whether it comes to at most limit types, each counted as
// often as it occurs. A recursive type never ends, so it is not expandable.
//
// Of a Val, the type of its value counts. Types that have a schema of their own,
// by a method JSONSchema, are not looked into, nor are fields that JSON leaves
// out.
func Expandable[T any](limit int) bool {
	return expand(reflect.TypeFor[T](), &limit)
}

// expand takes t and all that it consists of from left, and reports whether
// there was enough.
func expand(t reflect.Type, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	if elem, ok := valType(t); ok {
		return expand(elem, left)
	}
	if _, ok := t.MethodByName("JSONSchema"); ok {
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return expand(t.Elem(), left)
	case reflect.Map:
		return expand(t.Key(), left) && expand(t.Elem(), left)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			shown := f.Tag.Get("json") != "-" && (f.IsExported() || f.Anonymous)
			if shown && !expand(f.Type, left) {
				return false
			}
		}
	}
	return true
}
