package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// newBOM describes the program in the file binary, which was built from the
// module in the folder root. What is listed is what the program itself says
// that it links; root gives the licences and who imports whom.
//
// The same binary gives the same SBOM: nothing in it depends on the time or
// on the machine.
func newBOM(ctx context.Context, root, binary string) (*cdx.BOM, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", binary, err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	env := []string{"GOOS=" + settings["GOOS"], "GOARCH=" + settings["GOARCH"], "CGO_ENABLED=" + settings["CGO_ENABLED"]}
	packages, err := listPackages(ctx, root, env, "-tags="+settings["-tags"], info.Path)
	if err != nil {
		return nil, err
	}
	byPath := map[string]*dependency{}
	if err := collect(byPath, packages, true); err != nil {
		return nil, err
	}
	std, err := standardLibrary(ctx)
	if err != nil {
		return nil, err
	}
	std.Version = strings.TrimPrefix(info.GoVersion, "go")

	application, err := applicationComponent(root, info, settings)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(program)
	application.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}}

	refs := map[string]string{info.Main.Path: application.BOMRef, "": packageURL(std.Path, std.Version)}
	components := []cdx.Component{libraryComponent(std, nil)}
	for _, m := range info.Deps {
		if m.Replace != nil {
			return nil, fmt.Errorf("%s links a replacement of %s: a release must not", binary, m.Path)
		}
		d := byPath[m.Path]
		if d == nil || d.Version != m.Version {
			return nil, fmt.Errorf("%s was not built from the code in %s: only the one links %s %s", binary, root, m.Path, m.Version)
		}
		refs[m.Path] = packageURL(m.Path, m.Version)
		components = append(components, libraryComponent(d, m))
	}
	for _, d := range byPath {
		if refs[d.Path] == "" {
			return nil, fmt.Errorf("%s was not built from the code in %s: only the other links %s %s", binary, root, d.Path, d.Version)
		}
	}

	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Timestamp: settings["vcs.time"],
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{
			Type: cdx.ComponentTypeApplication,
			Name: "github.com/exospherehost/exo-go/tools/supplychain",
		}}},
		Component: application,
	}
	bom.Components = &components
	bom.Dependencies = dependencyEdges(packages, refs)
	if bom.SerialNumber, err = serialNumber(bom); err != nil {
		return nil, err
	}
	return bom, nil
}

// applicationComponent describes the program itself, without its hash.
func applicationComponent(root string, info *debug.BuildInfo, settings map[string]string) (*cdx.Component, error) {
	texts, err := licenceTexts(root, root)
	if err != nil {
		return nil, err
	}
	own := &dependency{Path: info.Main.Path, Version: info.Main.Version, Texts: texts}
	ref := packageURL(info.Main.Path, info.Main.Version)
	if sub, ok := strings.CutPrefix(info.Path, info.Main.Path+"/"); ok {
		ref += "#" + sub
	}
	properties := []cdx.Property{{Name: "go:version", Value: info.GoVersion}}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		properties = append(properties, cdx.Property{Name: "go:build:" + strings.TrimPrefix(key, "-"), Value: settings[key]})
	}
	return &cdx.Component{
		BOMRef:     ref,
		Type:       cdx.ComponentTypeApplication,
		Name:       path.Base(info.Path),
		Version:    info.Main.Version,
		PackageURL: ref,
		Licenses:   licenceChoice(own),
		Properties: &properties,
		ExternalReferences: &[]cdx.ExternalReference{
			{Type: cdx.ERTypeVCS, URL: "https://" + info.Main.Path},
		},
	}, nil
}

// libraryComponent describes a module; m is nil for the standard library, for
// which go.sum holds no hash.
func libraryComponent(d *dependency, m *debug.Module) cdx.Component {
	ref := packageURL(d.Path, d.Version)
	c := cdx.Component{
		BOMRef:     ref,
		Type:       cdx.ComponentTypeLibrary,
		Name:       d.Path,
		Version:    d.Version,
		Scope:      cdx.ScopeRequired,
		PackageURL: ref,
		Licenses:   licenceChoice(d),
	}
	if m != nil {
		// go.sum's h1 is a hash over the list of the files' hashes and no
		// hash of an archive, so it must not stand among the hashes.
		c.Properties = &[]cdx.Property{{Name: "go:sum", Value: m.Sum}}
	}
	return c
}

func licenceChoice(d *dependency) *cdx.Licenses {
	ids := d.licences()
	if len(ids) == 1 {
		return &cdx.Licenses{{License: &cdx.License{ID: ids[0]}}}
	}
	return &cdx.Licenses{{Expression: d.expression()}}
}

// dependencyEdges tells which module imports which, by the imports of the
// packages that are linked. refs maps module paths to references; the empty
// path stands for the standard library.
func dependencyEdges(packages []pkg, refs map[string]string) *[]cdx.Dependency {
	moduleOf := map[string]string{}
	for _, p := range packages {
		if p.Module != nil {
			moduleOf[p.ImportPath] = p.Module.Path
		}
	}
	edges := map[string]map[string]bool{}
	for _, ref := range refs {
		edges[ref] = map[string]bool{}
	}
	for _, p := range packages {
		from := refs[moduleOf[p.ImportPath]]
		for _, imported := range p.Imports {
			if to := refs[moduleOf[imported]]; to != from {
				edges[from][to] = true
			}
		}
	}
	all := make([]cdx.Dependency, 0, len(edges))
	for _, ref := range slices.Sorted(maps.Keys(edges)) {
		d := cdx.Dependency{Ref: ref}
		if to := slices.Sorted(maps.Keys(edges[ref])); len(to) > 0 {
			d.Dependencies = &to
		}
		all = append(all, d)
	}
	return &all
}

// packageURL is the purl of a Go module.
func packageURL(module, version string) string {
	return "pkg:golang/" + module + "@" + url.PathEscape(version)
}

// serialNumber makes the UUID (version 8) that names bom from what it says, so
// that equal content has an equal name.
func serialNumber(bom *cdx.BOM) (string, error) {
	text, err := encode(bom, cdx.BOMFileFormatJSON)
	if err != nil {
		return "", err
	}
	id := sha256.Sum256(text)
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16]), nil
}

func encode(bom *cdx.BOM, format cdx.BOMFileFormat) ([]byte, error) {
	var b bytes.Buffer
	if err := cdx.NewBOMEncoder(&b, format).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, specVersion); err != nil {
		return nil, fmt.Errorf("encoding the SBOM: %w", err)
	}
	return b.Bytes(), nil
}

// writeBOMs writes bom as prefix.cdx.json and prefix.cdx.xml, or nothing if one
// of them does not fit its schema.
func writeBOMs(bom *cdx.BOM, s *schemas, prefix string) error {
	files := map[string][]byte{}
	for _, file := range []string{prefix + ".cdx.json", prefix + ".cdx.xml"} {
		text, err := encode(bom, formatOf(file))
		if err != nil {
			return err
		}
		if err := s.validate(text, formatOf(file)); err != nil {
			return fmt.Errorf("%s would not be valid: %w", file, err)
		}
		files[file] = text
	}
	for file, text := range files {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("writing an SBOM: %w", err)
		}
	}
	return nil
}

// formatOf tells the format of an SBOM by its file's name.
func formatOf(file string) cdx.BOMFileFormat {
	if filepath.Ext(file) == ".xml" {
		return cdx.BOMFileFormatXML
	}
	return cdx.BOMFileFormatJSON
}
