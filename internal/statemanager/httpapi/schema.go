package httpapi

// A schema is a JSON Schema of draft 2020-12, as OpenAPI 3.1 has it: as much of
// one as the protocol needs.
type schema struct {
	Type                 any                `json:"type,omitempty"` // a string, or []string
	Description          string             `json:"description,omitempty"`
	Format               string             `json:"format,omitempty"`
	Const                string             `json:"const,omitempty"`
	Enum                 []string           `json:"enum,omitempty"`
	Minimum              *int64             `json:"minimum,omitempty"`
	Maximum              *int64             `json:"maximum,omitempty"`
	ExclusiveMinimum     *int64             `json:"exclusiveMinimum,omitempty"`
	MaxItems             int                `json:"maxItems,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	Required             []string           `json:"required,omitempty"`
	AdditionalProperties *schema            `json:"additionalProperties,omitempty"`
	OneOf                []*schema          `json:"oneOf,omitempty"`
}

var (
	aString  = &schema{Type: "string"}
	anInt    = &schema{Type: "integer"}
	aBool    = &schema{Type: "boolean"}
	anObject = &schema{Type: "object"}
	aTime    = &schema{Type: "string", Description: "ISO 8601, UTC, without a zone, six digits of a second"}
	millis   = &schema{Type: "integer", Description: "Unix milliseconds"}
	anything = &schema{}
)

func listOf(s *schema) *schema { return &schema{Type: "array", Items: s} }

func mapOf(s *schema) *schema { return &schema{Type: "object", AdditionalProperties: s} }

// orNull lets a schema of one type take null as well.
func orNull(s *schema) *schema {
	n := *s
	if t, ok := s.Type.(string); ok {
		n.Type = []string{t, "null"}
	}
	return &n
}

func constant(s string) *schema { return &schema{Type: "string", Const: s} }

func oneOf(s ...*schema) *schema { return &schema{OneOf: s} }

// A property is a member of a response. Those whose names end in "?" may be
// left out.
type property struct {
	name   string
	schema *schema
}

func prop(name string, s *schema) property { return property{name, s} }

func objectOf(props ...property) *schema {
	s := &schema{Type: "object", Properties: make(map[string]*schema, len(props))}
	for _, p := range props {
		name := p.name
		if n := len(name) - 1; name[n] == '?' {
			name = name[:n]
		} else {
			s.Required = append(s.Required, name)
		}
		s.Properties[name] = p.schema
	}
	return s
}
