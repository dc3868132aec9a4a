package wire

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A Field is one field of a struct, as it travels.
type Field struct {
	Name       string // on the wire: from the json tag, else GoName's last part
	GoName     string // in the struct, through the structs embedded in it: "Base.Tenant"
	Type       string // what a Val is of; "" for a string
	Required   bool   // has neither omitempty, omitzero nor a default
	Default    string // the text of what an absent field decodes to
	HasDefault bool   // the jsonschema tag has default=, were it empty
}

// A Revealer is a string type that hides its value from all who print or marshal
// it, and gives the value to those who ask by name. Marshal methods of other
// types would contradict the codec, which never calls them; a Revealer's are for
// show alone, so it is the one such type that a field may have. It travels as
// its plain string, which Reveal must give.
type Revealer interface{ Reveal() string }

// plan is what there is to know about a struct type, made once.
type plan struct {
	fields []Field
	values []value        // of each field, too
	index  [][]int        // of each field, for reflection
	label  []string       // of each field: its name, encoded, and what stands around it
	byName map[string]int // nil if there are few fields
	loose  bool           // some values are
}

// A value is what there is to know about a field that is a Val.
type value struct {
	form     *form  // nil: the field is a string
	fallback []byte // Field.Default of one that has a default
}

// fewFields is how many names are compared one by one faster than by a map.
const fewFields = 8

// planOf examines t, whose fields are secrets or not. Its problems are all that is
// wrong with t, and the plan then holds only the fields that are right.
func planOf(t reflect.Type, secret bool) (plan, []string) {
	p := planner{secret: secret}
	if t.Kind() != reflect.Struct {
		return plan{}, []string{p.notStruct(t)}
	}
	p.byName = make(map[string]int)
	p.walk(t, nil, "")
	if m := marshalMethod(t); m != "" && !p.embeddedMarshals {
		p.problem("the type itself has a method %s, its own or of an embedded field, which the codec would not call: remove it, or give the field a name", m)
	}
	for i, f := range p.fields {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		p.label = append(p.label, string(append(jsontext.AppendString([]byte{sep}, f.Name), ':')))
	}
	if len(p.fields) <= fewFields {
		p.byName = nil
	}
	return p.plan, p.problems
}

func (p *planner) notStruct(t reflect.Type) string {
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct {
		return fmt.Sprintf("is a pointer: use %s itself", typeName(t.Elem()))
	}
	others := "exo.Vals"
	if p.secret {
		others = "exo.Secrets"
	}
	return fmt.Sprintf("is of kind %s: want a struct whose fields are strings and %s, or exo.None", t.Kind(), others)
}

// typeName is how messages call t.
func typeName(t reflect.Type) string {
	if t.Kind() == reflect.Struct && t.Name() == "" {
		return "struct{…}"
	}
	return t.String()
}

// planner gathers a plan and the reasons against it.
type planner struct {
	plan
	secret           bool // the fields are secrets
	problems         []string
	embeddedMarshals bool // an embedded type was refused, whose methods t would have too
}

func (p *planner) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// walk takes in the fields of t, a struct at index below the root whose fields
// go by path and their names. It flattens as encoding/json does, but refuses
// the cases in which that drops a field silently.
func (p *planner) walk(t reflect.Type, index []int, path string) {
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, tagged := sf.Tag.Lookup("json")
		if tag == "-" {
			continue
		}
		goName := path + sf.Name
		at := append(slices.Clone(index), i)
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case sf.Anonymous && sf.Type.Kind() == reflect.Pointer:
			p.problem("field %s: is an embedded pointer: embed the type itself", goName)
		case sf.Anonymous && sf.Type.Kind() == reflect.Struct && name == "":
			if m := marshalMethod(sf.Type); m != "" {
				p.embeddedMarshals = true
				p.problem("field %s: the embedded type %s has a method %s, which the codec would not call: do not embed it", goName, typeName(sf.Type), m)
				continue
			}
			p.walk(sf.Type, at, goName+".")
		case sf.IsExported():
			p.field(sf, name, options, at, goName)
		case sf.Anonymous:
			p.problem("field %s: is an embedded type that is unexported and no struct: give the field a name", goName)
		case tagged:
			p.problem("field %s: is unexported but has a json tag: export it, or remove the tag", goName)
		}
	}
}

// field takes in one exported field.
func (p *planner) field(sf reflect.StructField, name, options string, index []int, goName string) {
	before := len(p.problems)
	f := Field{Name: name, GoName: goName, Required: true}
	if name == "" {
		f.Name = sf.Name
	}
	var val value
	elem, isVal := valType(sf.Type)
	var why string
	switch {
	case isVal && p.secret:
		why = "is an exo.Val, which shows what is in it" + secretHint
	case isVal:
		val.form, why = formOf(elem)
	default:
		why = p.unfitType(sf.Type)
	}
	if why != "" {
		p.embeddedMarshals = p.embeddedMarshals || sf.Anonymous
		p.problem("field %s: %s", goName, why)
	}
	if why := unfitName(f.Name); why != "" {
		p.problem("field %s: the wire name %q %s", goName, f.Name, why)
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty", "omitzero":
			f.Required = false
		case "string":
			p.problem(`field %s: the json tag's option "string" would quote the string twice: remove it`, goName)
		}
	}
	p.schemaTag(sf, &f)
	if val.form != nil {
		p.valField(elem, &f, &val)
	}
	if first, taken := p.byName[f.Name]; taken {
		p.problem("fields %s and %s: have the same wire name %q: rename one in its json tag", p.fields[first].GoName, goName, f.Name)
	}
	if len(p.problems) > before {
		return
	}
	p.byName[f.Name] = len(p.fields)
	p.fields = append(p.fields, f)
	p.values = append(p.values, val)
	p.index = append(p.index, index)
}

// valField adds to f, a Val of elem, what only the type can tell.
func (p *planner) valField(elem reflect.Type, f *Field, val *value) {
	f.Type = val.form.name
	p.loose = p.loose || val.form.loose
	switch {
	case f.HasDefault:
		val.fallback = []byte(f.Default)
		if err := val.form.check(elem, f.Default); err != nil {
			wrong := ValueError{Field: f.Name, Type: f.Type, Text: f.Default, Reason: err}
			p.problem("field %s: the default in the jsonschema tag is not one of its values: %s", f.GoName, wrong.reading(nil))
		}
	case !f.Required:
		f.Default = val.form.zero
	}
}

// schemaTag reads from the jsonschema tag what the codec has to know, and
// refuses what would make the schema say otherwise.
func (p *planner) schemaTag(sf reflect.StructField, f *Field) {
	required := false
	for i, item := range splitTag(sf.Tag.Get("jsonschema")) {
		key, val, hasVal := strings.Cut(item, "=")
		switch {
		case key == "default" && hasVal:
			f.Default, f.HasDefault = val, true
		case item == "required":
			required = true
		case item == "-" && i == 0:
			p.problem(`field %s: the jsonschema tag "-" would hide it from the schema alone: use json:"-"`, f.GoName)
		case !hasVal && item != "" && item != "nullable":
			p.problem(`field %s: the jsonschema tag holds %q, which is no keyword (a comma in a value is written \\,)`, f.GoName, item)
		}
	}
	switch {
	case required && f.HasDefault:
		p.problem("field %s: the jsonschema tag says both required and default: remove one", f.GoName)
	case required && !f.Required:
		p.problem("field %s: the json tag says omitempty or omitzero and the jsonschema tag required: remove one", f.GoName)
	case f.HasDefault:
		f.Required = false
	}
}

// splitTag splits a jsonschema tag at its commas, but for those behind a
// backslash, which goes.
func splitTag(tag string) []string {
	var items []string
	for part := range strings.SplitSeq(tag, ",") {
		if n := len(items) - 1; n >= 0 && strings.HasSuffix(items[n], `\`) {
			items[n] = strings.TrimSuffix(items[n], `\`) + "," + part
			continue
		}
		items = append(items, part)
	}
	return items
}

// unfitType says why a field cannot be of type t, "" if it can.
func (p *planner) unfitType(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.String:
		return fmt.Sprintf("is %s, want a string: use %s, with omitempty in the json tag if it may be absent", t, t.Elem())
	case t.Kind() != reflect.String && p.secret:
		return fmt.Sprintf("is %s, want a string or an exo.Secret%s", typeName(t), secretHint)
	case t.Kind() != reflect.String:
		return fmt.Sprintf("is %s, want a string or an exo.Val%s", typeName(t), valHint(t))
	}
	method := marshalMethod(t)
	if method == "" {
		return ""
	}
	switch {
	case t.Implements(reflect.TypeFor[Revealer]()):
	case p.secret:
		return fmt.Sprintf("is %s, whose method %s is not called for a secret%s", t, method, secretHint)
	default:
		return fmt.Sprintf("is %s, whose method %s is not called for a string%s", t, method, valHint(t))
	}
	const probe = "probe"
	v := reflect.New(t).Elem()
	v.SetString(probe)
	if v.Interface().(Revealer).Reveal() != probe {
		return fmt.Sprintf("is %s, whose method Reveal does not give the string itself: use exo.Secret", t)
	}
	return ""
}

const secretHint = ": use exo.Secret, and convert what Reveal gives" //nolint:gosec // the hint, no secret

// valHint says, behind what is wrong, what to write for a field of type t.
func valHint(t reflect.Type) string {
	if _, problem := formOf(t); problem != "" {
		return "; a Val of it cannot be, either: the field " + problem
	}
	if t.Kind() == reflect.Interface && t.NumMethod() == 0 {
		return ": use exo.Val[any]"
	}
	return ": use exo.Val[" + typeName(t) + "]"
}

// marshalMethod is the name of a method of t, or of a pointer to it, that makes
// encoding/json marshal it differently than its kind says, or "".
func marshalMethod(t reflect.Type) string {
	p := reflect.PointerTo(t)
	for _, m := range []struct {
		name string
		in   reflect.Type
	}{
		{"MarshalJSON", reflect.TypeFor[json.Marshaler]()},
		{"UnmarshalJSON", reflect.TypeFor[json.Unmarshaler]()},
		{"MarshalText", reflect.TypeFor[encoding.TextMarshaler]()},
		{"UnmarshalText", reflect.TypeFor[encoding.TextUnmarshaler]()},
		{"AppendText", reflect.TypeFor[encoding.TextAppender]()},
	} {
		if p.Implements(m.in) {
			return m.name
		}
	}
	return ""
}

// unfitName says why name cannot be on the wire, "" if it can. Some names the
// reference state manager refuses (protocol.md §6.2), some cannot stand in a
// placeholder (§7), some encoding/json would ignore.
func unfitName(name string) string {
	switch {
	case strings.HasPrefix(name, "_"):
		return "begins with an underscore, which state managers refuse: rename it in the json tag"
	case name == "model_config":
		return "is reserved by state managers: rename it in the json tag"
	case name == "-":
		return "would be left out of the schema: rename it in the json tag"
	}
	for _, r := range name {
		switch {
		case unicode.IsSpace(r), strings.ContainsRune(".{}", r):
			return fmt.Sprintf("holds %q, so that no template could refer to it: rename it in the json tag", r)
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-/:;<=>?@[]^_|~", r):
			return fmt.Sprintf("holds %q, which a json tag cannot: rename it", r)
		}
	}
	return ""
}
