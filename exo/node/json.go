package node

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/exospherehost/exo-go/internal/wire"
)

// JSON is a string field that carries a T encoded as JSON. It is a string on
// the wire and in the schema; the schema also says what is inside.
type JSON[T any] string

// ToJSON encodes v for a [JSON] field. Its errors are those of encoding/json,
// wrapped.
func ToJSON[T any](v T) (JSON[T], error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it would only have to be unescaped again
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("encode JSON field: %w", err)
	}
	return JSON[T](strings.TrimSuffix(b.String(), "\n")), nil
}

// Value decodes j. Its errors are those of encoding/json, wrapped. The empty
// string, which an absent field holds, is no JSON and so an error.
func (j JSON[T]) Value() (T, error) {
	var v T
	if err := json.Unmarshal([]byte(j), &v); err != nil {
		var zero T
		return zero, fmt.Errorf("decode JSON field: %w", err)
	}
	return v, nil
}

// JSONSchema is the hook of invopop/jsonschema: a string whose content is JSON
// of T's schema. Types that are recursive, or too large to be written out, are
// only said to be JSON.
func (JSON[T]) JSONSchema() *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string", ContentMediaType: "application/json"}
	if wire.Expandable[T](maxSchemaTypes) {
		s.ContentSchema = reflector().Reflect(new(T))
		s.ContentSchema.Version = ""
	}
	return s
}
