package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A Property is a property of a node's inputs or outputs schema.
type Property struct {
	Name string

	text bool // its values are strings
	json bool // they hold JSON, as contentMediaType says
}

// readSchema reads the properties of a schema as strictly as the reference
// server does (protocol.md §6.2), so that a graph that is valid here is valid
// there.
func readSchema(schema []byte) ([]Property, error) {
	var (
		properties string
		required   []string
		list       []Property
	)
	err := jsontext.Members(string(schema), func(key string, kind jsontext.Kind, val string) error {
		switch key {
		case "properties":
			if !isObject(kind, val) {
				return errors.New("properties is not an object")
			}
			properties = val
		case "required":
			if json.Unmarshal([]byte(val), &required) != nil {
				return errors.New("required is not a list")
			}
		}
		return nil
	})
	if err != nil || properties == "" {
		return nil, err
	}
	err = jsontext.Members(properties, func(name string, kind jsontext.Kind, val string) error {
		if strings.HasPrefix(name, "_") || name == "model_config" {
			return fmt.Errorf("property %s: names with a leading underscore and the name model_config are not allowed", clip.Text(name))
		}
		p := Property{Name: name}
		if isObject(kind, val) {
			hasDefault, err := p.read(val)
			if err != nil {
				return err
			}
			p.text = p.text && (hasDefault || slices.Contains(required, name))
		}
		if i := slices.IndexFunc(list, func(o Property) bool { return o.Name == name }); i >= 0 {
			list[i] = p
		} else {
			list = append(list, p)
		}
		return nil
	})
	return list, err
}

// read reads the schema of the property. The property is text if the reference
// server takes it for a string: type is exactly "string", and no keyword or
// format maps it to another type.
func (p *Property) read(schema string) (hasDefault bool, err error) {
	text, other := false, false
	err = jsontext.Members(schema, func(key string, kind jsontext.Kind, val string) error {
		switch key {
		case "type":
			text = kind == jsontext.String && val == "string"
		case "default":
			hasDefault = true
		case "contentMediaType":
			p.json = kind == jsontext.String && val == "application/json"
		case "enum", "const", "oneOf", "anyOf", "allOf", "$ref":
			other = true
		case "format":
			switch val {
			case "date-time", "date", "time", "uri", "uuid":
				other = true
			}
		case "pattern":
			if _, err := regexp.Compile(val); err != nil {
				return fmt.Errorf("property %s: invalid pattern: %w", clip.Text(p.Name), err)
			}
		}
		return nil
	})
	p.text = text && !other
	return hasDefault, err
}

// isObject reports whether a scanned member is an object.
func isObject(kind jsontext.Kind, val string) bool {
	return kind == jsontext.Other && strings.HasPrefix(val, "{")
}
