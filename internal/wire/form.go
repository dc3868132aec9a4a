package wire

import (
	"encoding"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"time"
)

// A form is how the values of a type travel: as what text.
type form struct {
	kind  formKind
	name  string // of the type
	empty bool   // an empty text is that of a value, as it is for strings
	zero  string // the text of the zero value, if it has one
	elem  *form  // of a slice that travels as JSON: the form of an element by itself
	loose bool   // code of others reads and writes the texts, for as long as it likes
}

type formKind uint8

const (
	formJSON     formKind = iota // what encoding/json makes of it
	formString                   // itself
	formInt                      // by strconv
	formUint                     // by strconv
	formFloat                    // by strconv, in the notation of encoding/json
	formBool                     // by strconv
	formDuration                 // as time.Duration prints itself
	formText                     // by its methods MarshalText and UnmarshalText
)

// formOf examines t. The problem says why its values cannot travel, "" if they
// can.
func formOf(t reflect.Type) (f *form, problem string) {
	if f, problem = classify(t); problem != "" {
		return nil, problem
	}
	if f.kind == formJSON && t.Kind() == reflect.Slice && marshalMethod(t) == "" {
		f.elem, _ = classify(t.Elem()) // encoding/json says what is wrong with it
	}
	f.loose = f.kind == formJSON || f.kind == formText && !prompt[t]
	f.probe(t)
	return f, ""
}

// prompt are types whose methods are known to neither wait nor call back.
var prompt = map[reflect.Type]bool{
	reflect.TypeFor[time.Time]():      true,
	reflect.TypeFor[netip.Addr]():     true,
	reflect.TypeFor[netip.AddrPort](): true,
	reflect.TypeFor[netip.Prefix]():   true,
}

func classify(t reflect.Type) (f *form, problem string) {
	f = &form{name: typeName(t)}
	p := reflect.PointerTo(t)
	marshal := p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
	unmarshal := p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	byJSON := p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]())
	_, isVal := valType(t)
	switch k := t.Kind(); {
	case isVal:
		return nil, fmt.Sprintf("is a Val of a Val: use %s itself", f.name)
	case t.Implements(reflect.TypeFor[Revealer]()), p.Implements(reflect.TypeFor[Revealer]()):
		return nil, fmt.Sprintf("is a Val of %s, which would travel as what it shows: use %s itself", f.name, f.name)
	case k == reflect.Chan, k == reflect.Func, k == reflect.UnsafePointer, k == reflect.Complex64, k == reflect.Complex128:
		return nil, fmt.Sprintf("is of type %s, whose values cannot travel: leave it out with json:\"-\"", f.name)
	case k == reflect.Interface && t.NumMethod() > 0:
		return nil, fmt.Sprintf("is of the interface type %s, to which no text can be decoded: use a type that implements it", f.name)
	case t == reflect.TypeFor[time.Duration]():
		f.kind = formDuration
	case k == reflect.Pointer, k == reflect.Interface:
	case marshal && unmarshal:
		f.kind = formText
	case byJSON:
	case marshal:
		return nil, fmt.Sprintf("is of type %s, which has a method MarshalText, but no UnmarshalText to read the text: add it", f.name)
	case unmarshal:
		return nil, fmt.Sprintf("is of type %s, which has a method UnmarshalText, but no MarshalText to write the text: add it", f.name)
	default:
		f.kind = kindForm(k)
	}
	return f, ""
}

// kindForm is the form of a type of kind k without methods.
func kindForm(k reflect.Kind) formKind {
	switch k {
	case reflect.String:
		return formString
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return formInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return formUint
	case reflect.Float32, reflect.Float64:
		return formFloat
	case reflect.Bool:
		return formBool
	}
	return formJSON
}

// probe asks the zero value for its text, and whether an empty one will do.
func (f *form) probe(t reflect.Type) {
	if f.kind == formString {
		f.empty = true
		return
	}
	if text, err := f.appendZero(t); err == nil {
		f.zero = string(text)
	}
	if f.kind == formText {
		f.empty = f.check(t, "") == nil
	}
}

func (f *form) appendZero(t reflect.Type) (text []byte, err error) {
	defer recovered(&err)
	p := reflect.New(t)
	if f.loose {
		return f.write(p.Interface())
	}
	return f.bind(p).append(nil)
}

// check reports why text is not that of a value of t.
func (f *form) check(t reflect.Type, text string) (err error) {
	defer recovered(&err)
	switch p := reflect.New(t); {
	case f.kind == formString:
		return nil
	case f.loose:
		return f.read(p.Interface(), []byte(text))
	default:
		return f.bind(p).parse([]byte(text))
	}
}

// recovered makes an error of what a method of a user's type panics with.
func recovered(err *error) {
	if p := recover(); p != nil { //nolint:revive // it is what its callers defer
		*err = fmt.Errorf("panic: %v", p)
	}
}

// bind gives the cell of the value that p points to, which is neither loose nor of
// formString.
func (f *form) bind(p reflect.Value) cell {
	switch f.kind {
	case formDuration:
		return durationCell{pointer[time.Duration](p)}
	case formText:
		c := textCell{v: p.Interface().(texter)}
		c.appender, _ = reflect.TypeAssert[encoding.TextAppender](p)
		return c
	case formBool:
		return boolCell{pointer[bool](p)}
	case formInt, formUint, formFloat, formJSON, formString:
	}
	return bindNumber(p)
}

func bindNumber(p reflect.Value) cell {
	switch p.Elem().Kind() {
	case reflect.Int:
		return intCell[int]{pointer[int](p), strconv.IntSize}
	case reflect.Int8:
		return intCell[int8]{pointer[int8](p), 8}
	case reflect.Int16:
		return intCell[int16]{pointer[int16](p), 16}
	case reflect.Int32:
		return intCell[int32]{pointer[int32](p), 32}
	case reflect.Int64:
		return intCell[int64]{pointer[int64](p), 64}
	case reflect.Uint:
		return uintCell[uint]{pointer[uint](p), strconv.IntSize}
	case reflect.Uint8:
		return uintCell[uint8]{pointer[uint8](p), 8}
	case reflect.Uint16:
		return uintCell[uint16]{pointer[uint16](p), 16}
	case reflect.Uint32:
		return uintCell[uint32]{pointer[uint32](p), 32}
	case reflect.Uint64:
		return uintCell[uint64]{pointer[uint64](p), 64}
	case reflect.Uintptr:
		return uintCell[uintptr]{pointer[uintptr](p), strconv.IntSize}
	case reflect.Float32:
		return floatCell[float32]{pointer[float32](p), 32}
	}
	return floatCell[float64]{pointer[float64](p), 64}
}

// pointer is p, which points to a value of B's kind, as a *B.
func pointer[B any](p reflect.Value) *B {
	return p.Convert(reflect.TypeFor[*B]()).Interface().(*B)
}

// The patterns of the texts of numbers and booleans, as they are written. Reading
// is more lenient, as strconv is.
const (
	intPattern   = `^-?[0-9]+$`
	uintPattern  = `^[0-9]+$`
	floatPattern = `^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`
	boolPattern  = `^(true|false)$`
)

// Content says of the texts of a T whether they are JSON, as those of numbers and
// booleans are, and what pattern they have: "" for none in particular.
func Content[T any]() (isJSON bool, pattern string) {
	f, problem := formOf(reflect.TypeFor[T]())
	if problem != "" {
		return false, "" // the definition is refused
	}
	switch f.kind {
	case formInt:
		return true, intPattern
	case formUint:
		return true, uintPattern
	case formFloat:
		return true, floatPattern
	case formBool:
		return true, boolPattern
	case formString, formText, formDuration:
		return false, ""
	case formJSON:
	}
	return true, ""
}
