package wire

import "reflect"

// A Ref is what a Val[T] holds beside its value: where the value comes from. Val
// itself is node.Val, which its users see; it embeds a Ref, so that this package
// gets at it without a method that they would see as well.
type Ref[T any] struct{ source }

// A source is a Ref of any type.
type source struct{ origin *origin }

// An origin is where a value comes from. There is none of a Val that has not been
// set.
type origin struct {
	template  string // the placeholder that stands for the value
	collected bool   // by exo.Collect
}

// given is the origin of a value that is there.
var given = &origin{}

// Given is the Ref of a value that was given.
func Given[T any]() Ref[T] { return Ref[T]{source{given}} }

// Refer is the Ref of what a placeholder stands for, which exo.Collect has made
// or not.
func Refer[T any](template string, collected bool) Ref[T] {
	return Ref[T]{refer(template, collected)}
}

func refer(template string, collected bool) source {
	return source{&origin{template: template, collected: collected}}
}

// Template is the placeholder that stands for the value, if r is a reference.
func Template[T any](r Ref[T]) (template string, ok bool) { return r.template() }

func (s source) template() (text string, ok bool) {
	if s.origin == nil || s.origin == given {
		return "", false
	}
	return s.origin.template, true
}

// valued is a pointer to a Val.
type valued interface {
	// where finds the source of the Val.
	where() *source
	// place is that of the value, which v points to.
	place(v any) place
}

func (r *Ref[T]) where() *source { return &r.source }

func (r *Ref[T]) place(v any) place { return placeOf[T]{v.(*T)} }

// A place is where a value stands in a frame. Since it knows the value's type, it
// does without reflection.
type place interface {
	// out gives a pointer to a copy of the value.
	out() any
	// in sets the value to what such a pointer points to.
	in(from any)
}

type placeOf[T any] struct{ v *T }

func (p placeOf[T]) out() any {
	v := *p.v
	return &v
}

func (p placeOf[T]) in(from any) { *p.v = *from.(*T) }

// valType tells whether t is a Val, and of what type.
func valType(t reflect.Type) (elem reflect.Type, ok bool) {
	if t.Kind() != reflect.Struct || t.NumField() != 2 || !isRef(t.Field(1).Type) {
		return nil, false
	}
	// A type that is only like a Val has lost its methods.
	return t.Field(0).Type, marshalMethod(t) != ""
}

func isRef(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() == 1 && t.Field(0).Type == reflect.TypeFor[source]()
}

// ByVal gives a function of types: of a Val's, it gives what of gives for a
// pointer to the value; of all others, nil.
func ByVal[S any](of func(v any) *S) func(reflect.Type) *S {
	return func(t reflect.Type) *S {
		elem, ok := valType(t)
		if !ok {
			return nil
		}
		return of(reflect.New(elem).Interface())
	}
}
