package wire

import "reflect"

// A Ref is what a Val holds beside its value: where the value comes from. Val
// itself is node.Val, which its users see; it embeds a Ref, so that this package
// gets at it without a method that they would see as well.
type Ref struct{ origin *origin }

// An origin is where a value comes from. There is none of a Val that nobody has
// set.
type origin struct {
	template  string // the placeholder that stands for the value
	collected bool   // by exo.Collect
}

// given is the origin of a value that is there.
var given = &origin{}

// Given is the Ref of a value that was given.
func Given() Ref { return Ref{given} }

// Refer is the Ref of what a placeholder stands for, which exo.Collect has made
// or not.
func Refer(template string, collected bool) Ref {
	return Ref{&origin{template: template, collected: collected}}
}

// Template is the placeholder that stands for the value, if r is a reference.
func Template(r Ref) (template string, ok bool) {
	if r.origin == nil || r.origin == given {
		return "", false
	}
	return r.origin.template, true
}

// ref finds the Ref of a Val.
func (r *Ref) ref() *Ref { return r }

type valued interface{ ref() *Ref }

// valType tells whether t is a Val, and of what type.
func valType(t reflect.Type) (elem reflect.Type, ok bool) {
	if t.Kind() != reflect.Struct || t.NumField() != 2 || t.Field(1).Type != reflect.TypeFor[Ref]() {
		return nil, false
	}
	// A type that is only like a Val has lost its methods.
	return t.Field(0).Type, marshalMethod(t) != ""
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
