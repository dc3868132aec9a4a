package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/exospherehost/exo-go/exo/node"
)

type (
	ok struct{ A string }

	marshals   string
	unmarshals string
	texts      string
	structJSON struct{ A string }
	stranger   string

	listed    string // has a schema that is an enum
	defaulted string // has a schema with a default
	untyped   string // has a schema that says nothing
	renaming  struct{ A string }
	closed    struct{ A string }
	bursting  struct{ A string }
	stamped   struct{ time.Time }
)

func (marshals) MarshalJSON() ([]byte, error)   { return nil, nil }
func (*unmarshals) UnmarshalJSON([]byte) error  { return nil }
func (*texts) UnmarshalText([]byte) error       { return nil }
func (structJSON) MarshalJSON() ([]byte, error) { return nil, nil }
func (listed) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Enum: []any{"a"}}
}

func (defaulted) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Default: "x"}
}

func (untyped) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Extras: map[string]any{"x-a": "b"}}
}
func (closed) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "string"} }
func (bursting) JSONSchemaExtend(*jsonschema.Schema) {
	panic("canary")
}

func (renaming) JSONSchemaExtend(s *jsonschema.Schema) {
	a, _ := s.Properties.Get("A")
	s.Properties.Delete("A")
	s.Properties.Set("b", a)
	s.AllOf = []*jsonschema.Schema{{Type: "object"}}
}

// Every reason for which a definition is refused (and those that only the codec
// tells apart are in its own tests).
func TestDefinitionErrors(t *testing.T) {
	t.Parallel()
	const in = "inputs struct{…}: "
	tests := []struct {
		name string
		err  error
		want []string
	}{
		{"empty name", define[ok, ok, ok](""), []string{"the name is empty"}},
		{"white space before", define[ok, ok, ok](" N"), []string{`the name " N" begins or ends with white space`}},
		{"white space after", define[ok, ok, ok]("N\n"), []string{`the name "N\n" begins or ends with white space`}},
		{"control character", define[ok, ok, ok]("N\x00M"), []string{`the name "N\x00M" holds a control character`}},
		{"not UTF-8", define[ok, ok, ok]("N\xff"), []string{"the name is not UTF-8"}},
		{"long name", define[ok, ok, ok](strings.Repeat("n", 256)), []string{"the name is 256 bytes long: at most 255 will do"}},
		{"time-out", define[ok, ok, ok]("N", node.WithTimeout(0), node.WithTimeout(-time.Second)), []string{"the timeout 0s is not positive", "the timeout -1s is not positive"}},
		{"concurrency", define[ok, ok, ok]("N", node.WithConcurrency(0)), []string{"the concurrency 0 is not positive"}},
		{"nil option", define[ok, ok, ok]("N", node.WithConcurrency(1), nil), []string{"option 2 is nil"}},

		{"not a struct", define[string, []ok, any]("N"), []string{
			"inputs string: is of kind string: want a struct", "outputs []node_test.ok: is of kind slice", "secrets interface {}: is of kind interface: want a struct whose fields are strings and exo.Secrets, or exo.None",
		}},
		{"pointer to a struct", define[*ok, ok, *ok]("N"), []string{"inputs *node_test.ok: is a pointer: use node_test.ok itself", "secrets *node_test.ok: is a pointer"}},
		{"no string", define[struct{ A int }, struct{ B time.Time }, struct{ C []byte }]("N"), []string{
			in + "field A: is int, want a string or an exo.Val: use exo.Val[int]", "outputs struct{…}: field B: is time.Time, want a string or an exo.Val: use exo.Val[time.Time]",
			"secrets struct{…}: field C: is []uint8, want a string or an exo.Secret: use exo.Secret, and convert what Reveal gives",
		}},
		{"secrets", define[ok, ok, struct {
			A bool
			B time.Time
			C chan int
			D texts
			E node.Val[bool]
			F *string
			G node.Secret
		}]("N"), []string{
			"secrets struct{…}: field A: is bool, want a string or an exo.Secret: use exo.Secret, and convert what Reveal gives",
			"secrets struct{…}: field B: is time.Time, want a string or an exo.Secret: use exo.Secret, and",
			"secrets struct{…}: field C: is chan int, want a string or an exo.Secret: use exo.Secret, and",
			"secrets struct{…}: field D: is node_test.texts, whose method UnmarshalText is not called for a secret: use exo.Secret, and",
			"secrets struct{…}: field E: is an exo.Val, which shows what is in it: use exo.Secret, and",
			"secrets struct{…}: field F: is *string, want a string: use string",
		}},
		{"Vals", define[struct {
			A node.Val[chan int]
			B node.Val[node.Secret]
			C node.Val[node.Val[int]]
			D node.Val[texts]
			E node.Val[error]
			F node.Val[int]       `jsonschema:"default=many"`
			G node.Val[int8]      `jsonschema:"default=300"`
			H node.Val[time.Time] `jsonschema:"default=today"`
			I node.Val[[]int]     `jsonschema:"default=[1\\,x]"`
			J node.Val[bool]      `jsonschema:"default="`
			K node.Val[int]       `jsonschema:"enum=1"`
			L likeVal
		}, struct{ node.Val[int] }, struct{ A node.Val[string] }]("N"), []string{
			in + `field A: is of type chan int, whose values cannot travel: leave it out with json:"-"`,
			in + "field B: is a Val of node.Secret, which would travel as what it shows: use node.Secret itself",
			in + "field C: is a Val of a Val: use node.Val[int] itself",
			in + "field D: is of type node_test.texts, which has a method UnmarshalText, but no MarshalText",
			in + "field E: is of the interface type error, to which no text can be decoded",
			in + `field F: the default in the jsonschema tag is not one of its values: "many" is not a valid int: invalid syntax`,
			in + `field G: the default in the jsonschema tag is not one of its values: "300" is not a valid int8: value out of range`,
			in + `field H: the default in the jsonschema tag is not one of its values: "today" is not a valid time.Time: parsing time`,
			in + `field I: the default in the jsonschema tag is not one of its values: "[1,x]" is not a valid []int: invalid character 'x'`,
			in + `field J: the default in the jsonschema tag is not one of its values: "" is not a valid bool`,
			in + "field K: has an enum",
			in + "field L: is node_test.likeVal, want a string or an exo.Val",
			"outputs struct{…}: field Val: the embedded type node.Val[int] has a method MarshalJSON",
			"secrets struct{…}: field A: is an exo.Val, which shows what is in it: use exo.Secret",
		}},
		{"marshal methods", define[struct {
			A marshals
			B unmarshals
			C texts
		}, structJSON, struct{ stamped }]("N"), []string{
			in + "field A: is node_test.marshals, whose method MarshalJSON",
			in + "field B: is node_test.unmarshals, whose method UnmarshalJSON",
			in + "field C: is node_test.texts, whose method UnmarshalText",
			"outputs node_test.structJSON: the type itself has a method MarshalJSON",
			"secrets struct{…}: field stamped: the embedded type node_test.stamped has a method MarshalJSON",
		}},
		{"embedded pointer", define[struct{ *base }, ok, ok]("N"), []string{in + "field base: is an embedded pointer"}},
		{"embedded unexported string", define[struct{ stranger }, ok, ok]("N"), []string{in + "field stranger: is an embedded type that is unexported and no struct"}},
		{"one wire name", define[struct {
			A string `json:"B"`
			B string
		}, ok, ok]("N"), []string{in + `fields A and B: have the same wire name "B"`}},
		{"unexported with a tag", define[struct {
			a string `json:""`
		}, ok, ok]("N"), []string{in + "field a: is unexported but has a json tag"}},
		{"string option", define[struct {
			A string `json:"a,string"`
		}, ok, ok]("N"), []string{in + `field A: the json tag's option "string"`}},
		{"wire names", define[struct {
			A string `json:"_a"`
			B string `json:"model_config"`
			C string `json:"c c"`
			D string `json:"d.d"`
			E string `json:"e\te"`
		}, ok, ok]("N"), []string{
			in + `field A: the wire name "_a" begins with an underscore`, in + `field B: the wire name "model_config" is reserved`,
			in + `field C: the wire name "c c" holds ' '`, in + `field D: the wire name "d.d" holds '.'`, in + `field E: the wire name "e\te" holds '\t'`,
		}},

		{"enum", define[struct {
			A string `jsonschema:"enum=a.b,enum=c"`
		}, ok, ok]("N"), []string{in + `field A: has an enum, which state managers do not take for a string: use pattern=^(a\.b|c)$`}},
		{"enum of a type", define[ok, struct{ A listed }, ok]("N"), []string{"outputs struct{…}: field A: has an enum"}},
		{"const", define[struct {
			A string `jsonschema_extras:"const=x"`
		}, ok, ok]("N"), []string{in + "field A: has a const, which state managers do not take for a string: use pattern=^(x)$"}},
		{"formats", define[struct {
			A string `jsonschema:"format=date-time"`
			B string `jsonschema:"format=date"`
			C string `jsonschema:"format=time"`
			D string `jsonschema:"format=uri"`
			E string `jsonschema:"format=uuid"`
			F string `jsonschema:"format=hostname"`
		}, ok, ok]("N"), []string{
			in + "field A: has the format date-time, which state managers do not take for a string: use a pattern",
			in + "field B: has the format date,", in + "field C: has the format time,", in + "field D: has the format uri,", in + "field E: has the format uuid,",
		}},
		{"types", define[struct {
			A string `jsonschema:"type=integer"`
			B string `jsonschema:"nullable"`
			C string `jsonschema_extras:"type=string,type=null"`
			D string `jsonschema:"oneof_type=string;null"`
			E string `jsonschema:"anyof_type=string;null"`
			F string `jsonschema_extras:"allOf=x"`
			G string `jsonschema_extras:"$ref=#/x"`
		}, ok, ok]("N"), []string{
			in + "field A: is integer in the schema, want string",
			in + `field B: has the keyword "oneOf"`, in + "field B: has no type in the schema",
			in + "field C: is [string null] in the schema, want string",
			in + `field D: has the keyword "oneOf"`, in + "field D: has no type in the schema",
			in + `field E: has the keyword "anyOf"`, in + "field E: has no type in the schema",
			in + `field F: has the keyword "allOf"`, in + `field G: has the keyword "$ref"`,
		}},
		{"patterns", define[struct {
			A string `jsonschema:"pattern=^(?=a)"`
			B string `jsonschema:"pattern=(a)\\1"`
			C string `jsonschema:"pattern=["`
			D string `jsonschema:"pattern=^\\d{1\\,3}$"`
		}, ok, ok]("N"), []string{
			in + "field A: has a pattern that state managers cannot read (", in + "field B: has a pattern that state managers cannot read (", in + "field C: has a pattern that state managers cannot read (",
		}},
		{"required and optional", define[struct {
			A string `json:",omitempty" jsonschema:"required"`
			B string `jsonschema:"required,default=x"`
		}, ok, ok]("N"), []string{in + "field A: the json tag says omitempty", in + "field B: the jsonschema tag says both required and default"}},
		{"defaults that the codec does not know", define[struct {
			A defaulted
			B defaulted `json:",omitempty"`
			C string    `jsonschema_extras:"default=x"`
			D string    `jsonschema:"default=x" jsonschema_extras:"default=y"`
		}, ok, ok]("N"), []string{
			in + "field A: has a default in the schema that decoding does not know", in + "field B: has another default in the schema than in decoding",
			in + "field C: has a default in the schema that decoding does not know", in + "field D: has another default in the schema than in decoding",
		}},
		{"a type without a type", define[struct{ A untyped }, ok, ok]("N"), []string{in + "field A: has no type in the schema"}},
		{"hidden from the schema", define[struct {
			A string `jsonschema:"-"`
		}, ok, ok]("N"), []string{in + `field A: the jsonschema tag "-" would hide it`}},
		{"inlined away", define[struct {
			A string `json:",inline"`
		}, ok, ok]("N"), []string{in + `field A: is missing from the schema as property "A"`}},
		{"schema of another shape", define[renaming, closed, ok]("N"), []string{
			`inputs node_test.renaming: field A: is missing from the schema as property "A"`, `inputs node_test.renaming: its schema has a property "b" that is no field`,
			`inputs node_test.renaming: its schema has the keyword "allOf"`, "outputs node_test.closed: its schema is not that of an object",
		}},
		{"keywords of the whole", define[struct {
			A string `jsonschema:"oneof_required=x"`
		}, ok, ok]("N"), []string{in + `its schema has the keyword "oneOf"`}},
		{"no schema", define[struct{ A node.Val[[]chan int] }, bursting, ok]("N"), []string{
			in + "no schema can be derived: unsupported type chan int", "outputs node_test.bursting: no schema can be derived: canary",
		}},

		{"all at once", define[struct {
			A int
			B string `jsonschema:"enum=a"`
		}, struct {
			C string `json:"_c" jsonschema:"format=uuid"`
			D string `jsonschema:"format=uuid"`
		}, struct{ E bool }](" ", node.WithConcurrency(-1)), []string{
			`the name " " begins`, "the concurrency -1", in + "field A: is int", in + "field B: has an enum",
			`outputs struct{…}: field C: the wire name "_c"`, "outputs struct{…}: field D: has the format uuid", "secrets struct{…}: field E: is bool",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkProblems(t, tt.err, tt.want)
		})
	}
}

// define tries to define a node of each form, which must come to the same.
func define[In, Out, Sec any](name string, opts ...node.Option) error {
	n, err := node.NewFanOut(name, func(context.Context, In, Sec) ([]Out, error) { return nil, nil }, opts...)
	one, errOne := node.New(name, func(context.Context, In, Sec) (out Out, err error) { return out, nil }, opts...)
	switch {
	case err == nil || errOne == nil:
		return errors.New("the definition was taken")
	case n != nil || one != nil:
		return errors.New("there is a node beside the error")
	case err.Error() != errOne.Error():
		return errors.Join(errors.New("New and NewFanOut differ"), err, errOne)
	}
	return err
}

// likeVal is of the same fields as a Val, and has lost its methods.
type likeVal node.Val[int]

func checkProblems(t *testing.T, err error, want []string) {
	t.Helper()
	var def *node.DefinitionError
	if !errors.As(err, &def) {
		t.Fatalf("got %v", err)
	}
	all := strings.Join(def.Problems, "\n")
	if len(def.Problems) != len(want) {
		t.Errorf("got %d problems, want %d:\n%s", len(def.Problems), len(want), all)
	}
	for _, prefix := range want {
		if !strings.HasPrefix(all, prefix) && !strings.Contains(all, "\n"+prefix) {
			t.Errorf("no problem begins %q in:\n%s", prefix, all)
		}
	}
}

func TestNilFunction(t *testing.T) {
	t.Parallel()
	_, err := node.NewFanOut[ok, ok, ok]("N", nil)
	checkProblems(t, err, []string{"the function is nil"})
	_, err = node.New[ok, ok, struct{ A int }]("N", nil)
	checkProblems(t, err, []string{"secrets struct{…}: field A: is int", "the function is nil"})
}

func TestRemoteDefinitionErrors(t *testing.T) {
	t.Parallel()
	_, err := node.NewRemote[ok, struct{ A int }]("", " N")
	checkProblems(t, err, []string{`the name " N" begins`, "outputs struct{…}: field A: is int", "the namespace is empty"})
}

func TestDefinitionErrorText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  node.DefinitionError
		want string
	}{
		{node.DefinitionError{Node: "N", Problems: []string{"one"}}, `node "N": one`},
		{node.DefinitionError{Node: "N", Problems: []string{"one", "two"}}, "node \"N\" has 2 problems:\n\tone\n\ttwo"},
	} {
		if d := cmp.Diff(tt.want, tt.err.Error()); d != "" {
			t.Error(d)
		}
	}
}

// What is at the edge of what is refused, and is taken.
func TestDefinitionsTaken(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"N", "a b", "Ünï/code", strings.Repeat("n", 255)} {
		if n := one[ok, ok, ok](t, name); n.Name() != name {
			t.Errorf("got %q", n.Name())
		}
	}
	one[struct {
		A json.Number
		B node.Secret
		C string `json:"c,omitempty" jsonschema:"format=ipv4,pattern=^(a|b)*?\\d+$"`
	}, struct {
		D node.Val[any]
	}, node.None](t, "N")
}
