package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/jacoelho/xsd"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// specVersion is the CycloneDX version of our SBOMs: a published standard
// (ECMA-424) that the common readers know.
const specVersion = cdx.SpecVersion1_6

// The module whose releases bring the official schemas along.
const schemaModule = "github.com/CycloneDX/cyclonedx-go"

// schemas are the official CycloneDX schemas of specVersion.
type schemas struct {
	json *jsonschema.Schema
	xml  *xsd.Schema
}

// loadSchemas compiles the official schemas from the module cache, where they
// lie whenever this program was built. It needs no network.
func loadSchemas(ctx context.Context) (*schemas, error) {
	dir, err := schemaDir(ctx)
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for url, file := range map[string]string{
		"http://cyclonedx.org/schema/bom-1.6.schema.json":  "bom-1.6.schema.json",
		"http://cyclonedx.org/schema/spdx.schema.json":     "spdx.schema.json",
		"http://cyclonedx.org/schema/jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, fmt.Errorf("reading a schema: %w", err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if err := compiler.AddResource(url, doc); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	var s schemas
	if s.json, err = compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json"); err != nil {
		return nil, fmt.Errorf("compiling the JSON schema: %w", err)
	}
	if s.xml, err = xsd.LoadFile(filepath.Join(dir, "bom-1.6.xsd")); err != nil {
		return nil, fmt.Errorf("compiling the XML schema: %w", err)
	}
	return &s, nil
}

// schemaDir is the schema folder of the very release of schemaModule that is
// linked into this program.
func schemaDir(ctx context.Context) (string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", errors.New("this program carries no build information")
	}
	i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == schemaModule })
	if i < 0 {
		return "", fmt.Errorf("this program was built without %s", schemaModule)
	}
	out, err := goCommand(ctx, "", nil, "mod", "download", "-json", schemaModule+"@"+info.Deps[i].Version)
	if err != nil {
		return "", err
	}
	var m module
	if err := json.Unmarshal(out, &m); err != nil {
		return "", fmt.Errorf("reading the answer of go mod download: %w", err)
	}
	return filepath.Join(m.Dir, "schema"), nil
}

// validate checks an encoded SBOM against the official schema of its format,
// and that the library reads it back.
func (s *schemas) validate(bom []byte, format cdx.BOMFileFormat) error {
	if format == cdx.BOMFileFormatXML {
		if err := s.xml.Validate(bytes.NewReader(bom)); err != nil {
			return fmt.Errorf("against the CycloneDX %s XML schema: %w", specVersion, err)
		}
	} else {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(bom))
		if err != nil {
			return fmt.Errorf("reading JSON: %w", err)
		}
		if err := s.json.Validate(doc); err != nil {
			return fmt.Errorf("against the CycloneDX %s JSON schema: %w", specVersion, err)
		}
	}
	if err := cdx.NewBOMDecoder(bytes.NewReader(bom), format).Decode(new(cdx.BOM)); err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	return nil
}
