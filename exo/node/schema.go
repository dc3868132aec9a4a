package node

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"github.com/invopop/jsonschema"

	"github.com/exospherehost/exo-go/internal/wire"
)

// maxSchemaTypes is how many types a schema may be made of. It keeps recursive
// types, which would never end, and those that would make a registration huge,
// from being written out.
const maxSchemaTypes = 1000

// reflector makes schemas in the form that every state manager reads: all in one
// piece, without references, and without the name of a dialect.
func reflector() *jsonschema.Reflector {
	return &jsonschema.Reflector{Anonymous: true, DoNotReference: true, AllowAdditionalProperties: true}
}

// reflectSchema derives the schema of T. What invopop/jsonschema, or a method of
// T's that it calls, panics with comes back as an error.
func reflectSchema[T any]() (s *jsonschema.Schema, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("no schema can be derived: %v", r)
		}
	}()
	s = reflector().Reflect(new(T))
	s.Version = ""
	return s, nil
}

// schemaOf is the schema of T, whose wire fields are given: whole is false if
// they are not all of them. It is what pydantic would write for the same class
// (protocol.md §6.2), for the reference state manager reads nothing else with
// certainty. The problems are all that keep it from that.
func schemaOf[T any](title string, fields []wire.Field, whole bool) (raw []byte, problems []string) {
	s, err := reflectSchema[T]()
	if err != nil {
		return nil, []string{err.Error()}
	}
	if s.Type != "object" || s.Properties == nil {
		return nil, []string{"its schema is not that of an object: remove its own or its embedded type's method JSONSchema"}
	}
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	s.Title, s.Required = title, nil
	for _, f := range fields {
		property, ok := s.Properties.Get(f.Name)
		if !ok {
			problem("field %s: is missing from the schema as property %q: remove the methods with which the type changes its schema", f.GoName, f.Name)
			continue
		}
		if property.Title == "" {
			property.Title = titleOf(f.Name)
		}
		if f.Required {
			s.Required = append(s.Required, f.Name)
		} else if property.Default == nil {
			property.Default = f.Default
		}
	}
	for p := s.Properties.Oldest(); p != nil && whole; p = p.Next() {
		if !slices.ContainsFunc(fields, func(f wire.Field) bool { return f.Name == p.Key }) {
			problem("its schema has a property %q that is no field: remove the methods with which the type changes its schema", p.Key)
		}
	}

	// What is checked is what will be sent, whatever made it so.
	var sent struct {
		Properties map[string]map[string]any `json:"properties"`
	}
	var root map[string]any
	if raw, err = json.Marshal(s); err == nil {
		err = json.Unmarshal(raw, &root)
	}
	if err == nil {
		err = json.Unmarshal(raw, &sent)
	}
	if err != nil {
		return nil, append(problems, fmt.Sprintf("its schema cannot be written: %v", err))
	}
	for _, key := range slices.Sorted(maps.Keys(root)) {
		if !rootKeywords[key] && !strings.HasPrefix(key, "x-") {
			problem("its schema has the keyword %q, which state managers cannot read: remove it from the tags", key)
		}
	}
	for _, f := range fields {
		for _, why := range unfitProperty(sent.Properties[f.Name], f) {
			problem("field %s: %s", f.GoName, why)
		}
	}
	return raw, problems
}

// The keywords that the reference state manager takes, of the schema itself and
// of a property that it still takes for a string. Those that begin with x- are
// taken everywhere.
var (
	rootKeywords = set("title", "description", "type", "properties", "required", "examples", "additionalProperties")

	propertyKeywords = set("title", "description", "type", "default", "examples", "minLength", "maxLength", "pattern", "format",
		"contentMediaType", "contentEncoding", "contentSchema", "deprecated", "readOnly", "writeOnly")

	typedFormats = set("date-time", "date", "time", "uri", "uuid")
)

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[name] = true
	}
	return m
}

// unfitProperty says why a state manager would not take property for a string,
// or not for the field that f is.
func unfitProperty(property map[string]any, f wire.Field) (problems []string) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, key := range slices.Sorted(maps.Keys(property)) {
		switch val := property[key]; {
		case key == "enum":
			values, _ := val.([]any)
			problem("has an enum, which state managers do not take for a string: use pattern=%s", anyOf(values))
		case key == "const":
			problem("has a const, which state managers do not take for a string: use pattern=%s", anyOf([]any{val}))
		case key == "type" && val != "string":
			problem("is %v in the schema, want string: remove type from its tags", val)
		case key == "format" && typedFormats[fmt.Sprint(val)]:
			problem("has the format %v, which state managers do not take for a string: use a pattern, or say so in the description", val)
		case key == "pattern":
			if _, err := syntax.Parse(fmt.Sprint(val), syntax.Perl); err != nil {
				problem("has a pattern that state managers cannot read (%v): do without look-around and backreferences", err)
			}
		case !propertyKeywords[key] && !strings.HasPrefix(key, "x-"):
			problem("has the keyword %q, with which state managers do not take it for a string: remove it from its tags", key)
		}
	}
	switch def, has := property["default"]; {
	case property == nil: // reported as missing
	case property["type"] == nil:
		problem("has no type in the schema, want string: remove the methods with which the type changes its schema")
	case has && f.Required:
		problem("has a default in the schema that decoding does not know: write it as default= in the jsonschema tag")
	case !f.Required && def != f.Default:
		problem("has another default in the schema than in decoding: write it as default= in the jsonschema tag")
	}
	return problems
}

// anyOf is the pattern that matches the values and nothing else.
func anyOf(values []any) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(fmt.Sprint(v))
	}
	return "^(" + strings.Join(quoted, "|") + ")$"
}

// titleOf is the title that pydantic gives a field: every word with one capital.
func titleOf(name string) string {
	inWord := false
	title := strings.Map(func(r rune) rune {
		if r == '_' {
			r = ' '
		}
		first := !inWord
		inWord = unicode.IsLetter(r)
		if first {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, name)
	return strings.TrimSpace(title)
}
