package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type (
	named    string
	base     struct{ Tenant, Region string }
	Exported struct {
		X string `json:"x"`
	}
	deep struct {
		Exported
		Y string `json:"y"`
	}
	lower string

	byValue   string
	byPointer string
	byText    string
	byParse   string
	byAppend  string

	jsonStruct struct{ A string }

	hidden     string // a Revealer
	lyingShape string // a Revealer that reveals something else

	Named     string
	Verbose   string
	Concealed string // a Revealer
)

func (byValue) MarshalJSON() ([]byte, error)       { return nil, nil }
func (*byPointer) UnmarshalJSON([]byte) error      { return nil }
func (byText) MarshalText() ([]byte, error)        { return nil, nil }
func (*byParse) UnmarshalText([]byte) error        { return nil }
func (byAppend) AppendText([]byte) ([]byte, error) { return nil, nil }
func (*jsonStruct) MarshalJSON() ([]byte, error)   { return nil, nil }
func (hidden) MarshalJSON() ([]byte, error)        { return []byte(`"hidden"`), nil }
func (h hidden) Reveal() string                    { return string(h) }
func (lyingShape) MarshalText() ([]byte, error)    { return nil, nil }
func (Concealed) MarshalJSON() ([]byte, error)     { return []byte(`""`), nil }
func (c Concealed) Reveal() string                 { return string(c) }
func (Verbose) MarshalText() ([]byte, error)       { return nil, nil }
func (lyingShape) Reveal() string                  { return "something else" }

func TestFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		got  func(testing.TB) []Field
		want []Field
	}{
		{"none", fieldsOf[struct{}], nil},
		{"names", fieldsOf[struct {
			A string
			B named  `json:"b"`
			C string `json:",omitempty"`
			D string `json:"d,omitzero"`
			E string `json:"é-1,unknown"`
		}], []Field{
			{Name: "A", GoName: "A", Required: true},
			{Name: "b", GoName: "B", Required: true},
			{Name: "C", GoName: "C"},
			{Name: "d", GoName: "D"},
			{Name: "é-1", GoName: "E", Required: true},
		}},
		{"defaults", fieldsOf[struct {
			A string `jsonschema:"default=100"`
			B string `json:",omitempty" jsonschema:"title=B,default=a\\,b=c"`
			C string `jsonschema:"default="`
			D string `jsonschema:"default=x,default=y"`
			E string `jsonschema:"required,description=No\\, none"`
		}], []Field{
			{Name: "A", GoName: "A", Default: "100", HasDefault: true},
			{Name: "B", GoName: "B", Default: "a,b=c", HasDefault: true},
			{Name: "C", GoName: "C", HasDefault: true},
			{Name: "D", GoName: "D", Default: "y", HasDefault: true},
			{Name: "E", GoName: "E", Required: true},
		}},
		{"embedded", fieldsOf[struct {
			base
			Mid string
			deep
		}], []Field{
			{Name: "Tenant", GoName: "base.Tenant", Required: true},
			{Name: "Region", GoName: "base.Region", Required: true},
			{Name: "Mid", GoName: "Mid", Required: true},
			{Name: "x", GoName: "deep.Exported.X", Required: true},
			{Name: "y", GoName: "deep.Y", Required: true},
		}},
		{"embedded string type", fieldsOf[struct{ Named }], []Field{{Name: "Named", GoName: "Named", Required: true}}},
		{"left out", fieldsOf[struct {
			A      string
			B      chan int `json:"-"`
			unused int
			C      *time.Time `json:"-"`
		}], []Field{{Name: "A", GoName: "A", Required: true}}},
		{"revealer", fieldsOf[struct{ Key hidden }], []Field{{Name: "Key", GoName: "Key", Required: true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, tt.got(t)); d != "" {
				t.Error(d)
			}
		})
	}
}

func fieldsOf[T any](tb testing.TB) []Field {
	tb.Helper()
	return compile[T](tb).Fields()
}

func TestDefinitionErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want []string
	}{
		{"no struct", errOf[string](), []string{"is of kind string: want a struct"}},
		{"slice", errOf[[]base](), []string{"is of kind slice: want a struct"}},
		{"interface", errOf[any](), []string{"is of kind interface: want a struct"}},
		{"pointer", errOf[*base](), []string{"is a pointer: use wire.base itself"}},
		{"kinds", errOf[struct {
			Int   int
			Ptr   *string
			Slice []string
			Time  time.Time
			Any   any
			Anon  struct{ X string }
			OK    string
			Map   map[string]string `json:"map"`
		}](), []string{
			"field Int: is int, want a string or an exo.Val: use exo.Val[int]",
			"field Ptr: is *string, want a string: use string, with omitempty",
			"field Slice: is []string, want a string or an exo.Val: use exo.Val[[]string]",
			"field Time: is time.Time, want a string or an exo.Val: use exo.Val[time.Time]",
			"field Any: is interface {}, want a string or an exo.Val: use exo.Val[any]",
			"field Anon: is struct{…}, want a string or an exo.Val: use exo.Val[struct{…}]",
			"field Map: is map[string]string, want a string",
		}},
		{"marshal methods", errOf[struct {
			A byValue
			B byPointer
			C byText
			D byParse
			E byAppend
			F json.Number
		}](), []string{
			"field A: is wire.byValue, whose method MarshalJSON is not called for a string: use exo.Val[wire.byValue]",
			"field B: is wire.byPointer, whose method UnmarshalJSON",
			"field C: is wire.byText, whose method MarshalText is not called for a string; a Val of it cannot be, either: the field is of type wire.byText, which has a method MarshalText, but no UnmarshalText",
			"field D: is wire.byParse, whose method UnmarshalText",
			"field E: is wire.byAppend, whose method AppendText",
		}},
		{"marshal methods of the struct", errOf[jsonStruct](), []string{"the type itself has a method MarshalJSON"}},
		{"marshal methods of an embedded struct", errOf[struct{ jsonStruct }](), []string{"field jsonStruct: the embedded type wire.jsonStruct has a method MarshalJSON"}},
		{"embedded time", errOf[struct{ time.Time }](), []string{"field Time: the embedded type time.Time has a method MarshalJSON"}},
		{"promoted marshal methods", errOf[struct{ Concealed }](), []string{"the type itself has a method MarshalJSON, its own or of an embedded field"}},
		{"promoted and unfit", errOf[struct{ Verbose }](), []string{"field Verbose: is wire.Verbose, whose method MarshalText"}},
		{"lying revealer", errOf[struct{ A lyingShape }](), []string{"field A: is wire.lyingShape, whose method Reveal does not give the string itself"}},
		{"embedded pointer", errOf[struct{ *base }](), []string{"field base: is an embedded pointer: embed the type itself"}},
		{"embedded pointer with a tag", errOf[struct {
			*Exported `json:"e"`
		}](), []string{"field Exported: is an embedded pointer"}},
		{"embedded struct with a tag", errOf[struct {
			Exported `json:"e"`
		}](), []string{"field Exported: is wire.Exported, want a string"}},
		{"embedded unexported string", errOf[struct{ lower }](), []string{"field lower: is an embedded type that is unexported and no struct"}},
		{"one wire name", errOf[struct {
			A string `json:"B"`
			B string
		}](), []string{`fields A and B: have the same wire name "B": rename one`}},
		{"shadowed", errOf[struct {
			deep
			X string `json:"x"`
			Y string
		}](), []string{`fields deep.Exported.X and X: have the same wire name "x"`}},
		{"embedded twice", errOf[struct {
			deep
			Exported
		}](), []string{`fields deep.Exported.X and Exported.X: have the same wire name "x"`}},
		{"unexported with a tag", errOf[struct {
			a string `json:""`
		}](), []string{"field a: is unexported but has a json tag: export it"}},
		{"quoted", errOf[struct {
			A string `json:"a,string"`
		}](), []string{`field A: the json tag's option "string" would quote the string twice`}},
		{"wire names", errOf[struct {
			A string `json:"_a"`
			B string `json:"model_config"`
			C string `json:"a b"`
			D string `json:"a.b"`
			E string `json:"a\"b"`
			F string `json:"a'b"`
			G string `json:"-,"`
			H string `json:"a}b"`
			I string "json:\"a\u00a0b\""
			J string `json:"ok"`
			K string `json:"a\\b"`
		}](), []string{
			`field A: the wire name "_a" begins with an underscore`,
			`field B: the wire name "model_config" is reserved`,
			`field C: the wire name "a b" holds ' ', so that no template could refer to it`,
			`field D: the wire name "a.b" holds '.', so that no template`,
			`field E: the wire name "a\"b" holds '"', which a json tag cannot`,
			`field F: the wire name "a'b" holds '\'', which a json tag cannot`,
			`field G: the wire name "-" would be left out of the schema`,
			`field H: the wire name "a}b" holds '}', so that no template`,
			`field I: the wire name "a\u00a0b" holds '\u00a0', so that no template`,
			`field K: the wire name "a\\b" holds '\\', which a json tag cannot`,
		}},
		{"jsonschema tags", errOf[struct {
			A string `jsonschema:"required,default=x"`
			B string `json:",omitempty" jsonschema:"required"`
			C string `jsonschema:"-"`
			D string `jsonschema:"description=First, second"`
		}](), []string{
			"field A: the jsonschema tag says both required and default",
			"field B: the json tag says omitempty or omitzero and the jsonschema tag required",
			`field C: the jsonschema tag "-" would hide it from the schema alone`,
			`field D: the jsonschema tag holds " second", which is no keyword (a comma in a value is written \\,)`,
		}},
		{"several of one field", errOf[struct {
			A int `json:"_a,string"`
		}](), []string{"field A: is int", `field A: the wire name "_a"`, `field A: the json tag's option "string"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var def *DefinitionError
			if !errors.As(tt.err, &def) {
				t.Fatalf("got %v", tt.err)
			}
			if len(def.Problems) != len(tt.want) {
				t.Errorf("got %d problems, want %d:\n%s", len(def.Problems), len(tt.want), strings.Join(def.Problems, "\n"))
			}
			for _, want := range tt.want {
				found := false
				for _, problem := range def.Problems {
					found = found || strings.HasPrefix(problem, want)
				}
				if !found {
					t.Errorf("no problem begins %q in:\n%s", want, strings.Join(def.Problems, "\n"))
				}
			}
			for _, problem := range def.Problems {
				if !strings.Contains(def.Error(), problem) {
					t.Errorf("%q does not say %q", def.Error(), problem)
				}
			}
		})
	}
}

func errOf[T any]() error {
	_, err := Compile[T]()
	return err
}

func TestDefinitionErrorKeepsTheFieldsThatAreRight(t *testing.T) {
	t.Parallel()
	err := errOf[struct {
		A string
		B int
		C string `json:"c" jsonschema:"default=x"`
	}]()
	var def *DefinitionError
	if !errors.As(err, &def) {
		t.Fatalf("got %v", err)
	}
	want := &DefinitionError{
		Type:     "struct{…}",
		Problems: []string{"field B: is int, want a string or an exo.Val: use exo.Val[int]"},
		Fields:   []Field{{Name: "A", GoName: "A", Required: true}, {Name: "c", GoName: "C", Default: "x", HasDefault: true}},
	}
	if d := cmp.Diff(want, def); d != "" {
		t.Error(d)
	}
	if got := errOf[*base]().Error(); got != "type *wire.base: is a pointer: use wire.base itself" {
		t.Error(got)
	}
}

// Carrying is like node.Val.
type carrying[T any] struct {
	V T
	Ref[T]
}

func (c carrying[T]) MarshalJSON() ([]byte, error) { return json.Marshal(c.V) }

type (
	list struct {
		Next *list
		Val  int
	}
	forest struct{ Trees map[string][]forest }
	knot   struct{ Self carrying[[]knot] }
	plain  struct {
		A, B []map[string]*base
		C    carrying[carrying[[]base]]
		D    func()
		E    any
	}
	two  struct{ A, B base }
	four struct{ A, B two }

	withSchema struct{ Next *withSchema }

	leftOut struct {
		Next   *leftOut `json:"-"`
		unused *leftOut //nolint:unused // it is to be ignored
	}
)

func (withSchema) JSONSchema() string { return "" }

func TestExpandable(t *testing.T) {
	t.Parallel()
	const limit = 100
	tests := []struct {
		name      string
		got, want bool
	}{
		{"string", Expandable[string](limit), true},
		{"plain", Expandable[plain](limit), true},
		{"by pointer", Expandable[list](limit), false},
		{"by slice and map", Expandable[forest](limit), false},
		{"through a Val", Expandable[knot](limit), false},
		{"inside of a Val", Expandable[carrying[list]](limit), false},
		{"with a schema of its own", Expandable[withSchema](limit), true},
		{"in fields left out", Expandable[leftOut](limit), true},
		{"just large enough", Expandable[four](1 + 2*(1+2*3)), true},
		{"just too large", Expandable[four](2 * (1 + 2*3)), false},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %v", tt.name, tt.got)
		}
	}
}

func TestTypeName(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		TypeName[base]():               "wire.base",
		TypeName[carrying[[]int]]():    "wire.carrying[[]int]",
		TypeName[struct{ A string }](): "struct{…}",
		TypeName[any]():                "interface {}",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
