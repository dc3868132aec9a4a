package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLicenceTexts(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	inner := filepath.Join(root, "vendored", "deep")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	mit := read(t, "../../LICENSE")
	write(t, filepath.Join(root, "LICENSE"), mit)
	write(t, filepath.Join(root, "NOTICE.txt"), "Made by somebody.")
	write(t, filepath.Join(root, "license.go"), "package root")
	write(t, filepath.Join(root, "vendored", "COPYING.md"), mit)

	texts, err := licenceTexts(root, inner)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range texts {
		got = append(got, filepath.Base(x.Path)+" "+strings.Join(x.IDs, ","))
	}
	if want := []string{"COPYING.md MIT", "LICENSE MIT", "NOTICE.txt "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	write(t, filepath.Join(root, "vendored", "LICENCE"), "You may do with this what the author likes, and nothing else.")
	if _, err := licenceTexts(root, inner); err == nil || !strings.Contains(err.Error(), "LICENCE") {
		t.Errorf("a text that is no known licence: error %v, want one that names the file", err)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ids    []string
		linked bool
		ok     bool
	}{
		{[]string{"MIT"}, true, true},
		{[]string{"Apache-2.0", "MIT"}, true, true},
		{[]string{"MPL-2.0"}, true, false},
		{[]string{"MPL-2.0"}, false, true},
		{[]string{"MIT", "GPL-3.0"}, true, false},
		{[]string{"AGPL-3.0"}, false, false},
		{nil, true, false},
		{nil, false, false},
	} {
		d := &dependency{Path: "example.com/m", Version: "v1.0.0", Linked: c.linked, Texts: []licenceText{{IDs: c.ids}}}
		if err := check(d); (err == nil) != c.ok {
			t.Errorf("licences %q, linked %t: error %v", c.ids, c.linked, err)
		}
	}
}

// TestInventory tells apart what is linked and what only tests import, and
// hands on the texts of the former alone.
func TestInventory(t *testing.T) {
	t.Parallel()
	root, _ := newProgram(t)
	write(t, filepath.Join(root, "go.mod"), read(t, filepath.Join(root, "go.mod"))+
		"\nrequire github.com/mattn/go-shellwords "+versionOf(t, "github.com/mattn/go-shellwords")+"\n")
	write(t, filepath.Join(root, "main_test.go"), "package main\n\nimport _ \"github.com/mattn/go-shellwords\"\n")
	all, err := inventory(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, d := range all {
		got[d.Path+" "+d.expression()] = d.Linked
	}
	for line, linked := range map[string]bool{
		dependencyPath + " BSD-3-Clause":     true,
		"stdlib BSD-3-Clause":                true,
		"github.com/mattn/go-shellwords MIT": false,
	} {
		if is, ok := got[line]; !ok || is != linked {
			t.Errorf("%s: listed %t, linked %t; want it listed, linked %t", line, ok, is, linked)
		}
	}
	var b strings.Builder
	if err := writeTexts(&b, all); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, d := range all {
		for _, x := range d.Texts {
			if strings.Contains(text, strings.TrimSpace(x.Text)) != d.Linked {
				t.Errorf("%s of %s, linked %t: its text is there when it should not be, or the reverse", x.Path, d.Path, d.Linked)
			}
		}
	}
}

// versionOf is the version of a module that this module requires.
func versionOf(t *testing.T, path string) string {
	t.Helper()
	for line := range strings.Lines(read(t, "go.mod")) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == path {
			return f[1]
		}
	}
	t.Fatalf("go.mod does not require %s", path)
	return ""
}
