package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

const (
	dependencyPath    = "github.com/google/licensecheck"
	dependencyVersion = "v0.3.1"
)

const programUsing = `package main

import "` + dependencyPath + `"

func main() { println(licensecheck.Scan(nil).Percent) }
`

// newProgram writes a module of one program with one dependency, builds it and
// returns its folder and the program.
func newProgram(t *testing.T) (root, program string) {
	t.Helper()
	root = t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.com/app\n\ngo 1.25.0\n\nrequire "+dependencyPath+" "+dependencyVersion+"\n")
	write(t, filepath.Join(root, "go.sum"), read(t, "go.sum"))
	write(t, filepath.Join(root, "LICENSE"), read(t, "../../LICENSE"))
	write(t, filepath.Join(root, "main.go"), programUsing)
	program = filepath.Join(t.TempDir(), "app")
	if _, err := goCommand(t.Context(), root, []string{"GOFLAGS=", "CGO_ENABLED=0"}, "build", "-trimpath", "-o", program, "."); err != nil {
		t.Fatal(err)
	}
	return root, program
}

func TestSBOM(t *testing.T) {
	t.Parallel()
	root, program := newProgram(t)
	s, err := loadSchemas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bom, err := newBOM(t.Context(), root, program)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeBOMs(bom, s, program); err != nil {
		t.Fatal(err)
	}
	text := read(t, program+".cdx.json")
	for _, file := range []string{program + ".cdx.json", program + ".cdx.xml"} {
		t.Run(filepath.Ext(file), func(t *testing.T) {
			t.Parallel()
			var got cdx.BOM
			if err := cdx.NewBOMDecoder(strings.NewReader(read(t, file)), formatOf(file)).Decode(&got); err != nil {
				t.Fatal(err)
			}
			checkBOM(t, &got, program)
		})
	}

	again, err := newBOM(t.Context(), root, program)
	if err != nil {
		t.Fatal(err)
	}
	second, err := encode(again, cdx.BOMFileFormatJSON)
	if err != nil {
		t.Fatal(err)
	}
	if string(second) != text {
		t.Error("a second SBOM of the same program differs from the first")
	}
}

func checkBOM(t *testing.T, got *cdx.BOM, program string) {
	t.Helper()
	app := got.Metadata.Component
	if app.Name != "app" || !strings.HasPrefix(app.PackageURL, "pkg:golang/example.com/app@") {
		t.Errorf("the application is %q, %q", app.Name, app.PackageURL)
	}
	sum := sha256.Sum256([]byte(read(t, program)))
	if h := (*app.Hashes)[0]; h.Algorithm != cdx.HashAlgoSHA256 || h.Value != hex.EncodeToString(sum[:]) {
		t.Errorf("hash %v, want that of the program, %x", h, sum)
	}
	if id := (*app.Licenses)[0].License.ID; id != "MIT" {
		t.Errorf("the application's licence is %q, want MIT", id)
	}
	i := slices.IndexFunc(*got.Components, func(c cdx.Component) bool { return c.Name == dependencyPath })
	if i < 0 {
		t.Fatalf("%s is not among the components", dependencyPath)
	}
	c := (*got.Components)[i]
	if want := "pkg:golang/" + dependencyPath + "@" + dependencyVersion; c.PackageURL != want || c.BOMRef != want {
		t.Errorf("purl %q, reference %q, want %q", c.PackageURL, c.BOMRef, want)
	}
	if id := (*c.Licenses)[0].License.ID; id != "BSD-3-Clause" {
		t.Errorf("licence %q, want BSD-3-Clause", id)
	}
	if p := (*c.Properties)[0]; p.Name != "go:sum" || !strings.Contains(read(t, "go.sum"), p.Value) {
		t.Errorf("property %v is not the line of go.sum", p)
	}
	if len(*got.Components) != 2 {
		t.Errorf("%d components, want the module and the standard library", len(*got.Components))
	}
	d := slices.IndexFunc(*got.Dependencies, func(d cdx.Dependency) bool { return d.Ref == app.BOMRef })
	if d < 0 || !slices.Contains(*(*got.Dependencies)[d].Dependencies, c.BOMRef) {
		t.Error("the application does not depend on the module")
	}
}

func TestSBOMOfOtherCode(t *testing.T) {
	t.Parallel()
	root, program := newProgram(t)
	write(t, filepath.Join(root, "main.go"), "package main\n\nfunc main() {}\n")
	_, err := newBOM(t.Context(), root, program)
	if err == nil || !strings.Contains(err.Error(), dependencyPath) {
		t.Errorf("error %v, want one that names %s", err, dependencyPath)
	}
}

func TestSerialNumberFollowsContent(t *testing.T) {
	t.Parallel()
	one, two := cdx.NewBOM(), cdx.NewBOM()
	two.Components = &[]cdx.Component{{Type: cdx.ComponentTypeLibrary, Name: "other"}}
	a, err := serialNumber(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := serialNumber(two)
	if err != nil {
		t.Fatal(err)
	}
	if a == b {
		t.Error("two SBOMs with different content have the same serial number")
	}
}

// TestValidateRefuses breaks a good SBOM in ways that only a schema notices.
func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	s, err := loadSchemas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"
	bom.Metadata = &cdx.Metadata{Timestamp: "2026-01-02T03:04:05Z"}
	bom.Components = &[]cdx.Component{{
		Type: cdx.ComponentTypeLibrary, Name: "one", Licenses: &cdx.Licenses{{License: &cdx.License{ID: "MIT"}}},
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: strings.Repeat("0", 64)}},
	}}
	for _, format := range []cdx.BOMFileFormat{cdx.BOMFileFormatJSON, cdx.BOMFileFormatXML} {
		good, err := encode(bom, format)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.validate(good, format); err != nil {
			t.Fatalf("the SBOM to break is not valid itself: %v", err)
		}
		for _, c := range []struct{ what, old, broken string }{
			{"a licence that SPDX does not know", "MIT", "MYT"},
			{"an unknown hash algorithm", "SHA-256", "SHA-255"},
			{"a hash that is too short", strings.Repeat("0", 64), "00"},
			{"a serial number that is no UUID", "urn:uuid:3", "urn:uuid:"},
			{"a component of an unknown type", "library", "librarian"},
			{"a time without a zone's form", "03:04:05Z", "03:04Z"},
		} {
			bad := bytes.ReplaceAll(good, []byte(c.old), []byte(c.broken))
			if bytes.Equal(bad, good) {
				t.Errorf("%s: nothing to break in\n%s", c.what, good)
			}
			if err := s.validate(bad, format); err == nil {
				t.Errorf("%s is taken in\n%s", c.what, bad)
			}
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
