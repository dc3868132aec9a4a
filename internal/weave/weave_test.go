package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const code = `package p

func f() {
	// sample:loop
	for {
		g()

	}
	// end sample
}

func ExampleG() {
	g()
	// Output:
	// one
	//   two
}
`

var sources = fstest.MapFS{"a/a.go": {Data: []byte(code)}}

func TestWeave(t *testing.T) {
	t.Parallel()
	fence := "```"
	block := func(head, lang, body string) string {
		return "# Page\n\n" + head + "\n" + fence + lang + "\n" + body + fence + "\n\nEnd.\n"
	}
	tests := map[string]struct {
		in, want string
		stale    []string
	}{
		"region": {
			in:    block("<!-- sample: a/a.go#loop -->", "go", "old()\n"),
			want:  block("<!-- sample: a/a.go#loop -->", "go", "for {\n\tg()\n\n}\n"),
			stale: []string{"line 4: a/a.go#loop"},
		},
		"one byte edited": {
			in:    block("<!-- sample: a/a.go#loop -->", "go", "for {\n\th()\n\n}\n"),
			want:  block("<!-- sample: a/a.go#loop -->", "go", "for {\n\tg()\n\n}\n"),
			stale: []string{"line 4: a/a.go#loop"},
		},
		"example": {
			in:    block("<!-- sample: a/a.go#ExampleG -->", "go", ""),
			want:  block("<!-- sample: a/a.go#ExampleG -->", "go", "g()\n// Output:\n// one\n//   two\n"),
			stale: []string{"line 4: a/a.go#ExampleG"},
		},
		"output": {
			in:    block("<!-- output: a/a.go#ExampleG -->\n", "text", ""),
			want:  block("<!-- output: a/a.go#ExampleG -->\n", "text", "one\n  two\n"),
			stale: []string{"line 5: a/a.go#ExampleG"},
		},
		"file": {
			in:    block("<!-- sample: a/a.go -->", "go", ""),
			want:  block("<!-- sample: a/a.go -->", "go", code),
			stale: []string{"line 4: a/a.go"},
		},
		"in a list": {
			in:    "- item\n\n  <!-- sample: a/a.go#loop -->\n  " + fence + "go\n  " + fence + "\n",
			want:  "- item\n\n  <!-- sample: a/a.go#loop -->\n  " + fence + "go\n  for {\n  \tg()\n\n  }\n  " + fence + "\n",
			stale: []string{"line 4: a/a.go#loop"},
		},
		"as it should be":      {in: block("<!-- sample: a/a.go#loop -->", "go", "for {\n\tg()\n\n}\n")},
		"with a reason":        {in: block("<!-- no sample: a sketch -->", "go", "x\n")},
		"other languages":      {in: block("", "sh", "go test ./...\n")},
		"marker inside a code": {in: block("", "text", "<!-- sample: a/a.go#nothing -->\n```go\n")},
		"no newline at end":    {in: "text"},
		"empty":                {in: ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.want == "" {
				tt.want = tt.in
			}
			p, err := weave(sources, tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p.text); diff != "" {
				t.Errorf("page (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.stale, p.stale); diff != "" {
				t.Errorf("stale (-want +got):\n%s", diff)
			}
			again, err := weave(sources, p.text)
			if err != nil || again.text != p.text || len(again.stale) != 0 {
				t.Errorf("woven twice: stale %q, error %v, text as before: %t", again.stale, err, again.text == p.text)
			}
		})
	}
}

func TestWeaveRefuses(t *testing.T) {
	t.Parallel()
	const empty = "\n```go\n```\n"
	tests := map[string]struct{ page, want string }{
		"unknown region":       {"<!-- sample: a/a.go#nothing -->" + empty, "line 2: sample a/a.go#nothing: the file has neither"},
		"unknown file":         {"<!-- sample: a/b.go#loop -->" + empty, "a/b.go"},
		"file out of the tree": {"<!-- sample: ../a.go -->" + empty, "sample ../a.go: open"},
		"function, no Example": {"<!-- sample: a/a.go#f -->" + empty, "neither"},
		"unknown output":       {"<!-- output: a/a.go#ExampleH -->" + empty, "no Example function ExampleH"},
		"Go without a sample":  {"Text\n" + empty, "line 3: a block of Go without"},
		"no reason":            {"<!-- no sample: -->" + empty, "without a reason"},
		"comment without code": {"<!-- sample: a/a.go#loop -->\ntext\n", "line 1: the comment is not followed"},
		"comment at the end":   {"<!-- sample: a/a.go#loop -->\n", "line 1: the comment is not followed"},
		"two comments":         {"<!-- sample: a/a.go#loop -->\n<!-- sample: a/a.go#loop -->" + empty, "line 1: the comment is not followed"},
		"block without an end": {"<!-- sample: a/a.go#loop -->\n```go\n", "has no end"},
		"fence in the sample":  {"<!-- sample: fence.txt -->\n```text\n```\n", "longer fence"},
		"region without end":   {"<!-- sample: open.txt#x -->" + empty, `sample x has no "// end sample"`},
		"end without a region": {"<!-- sample: end.txt#x -->" + empty, "no sample has begun"},
		"regions in another":   {"<!-- sample: nested.txt#x -->" + empty, "sample y begins inside sample x"},
		"two of one name":      {"<!-- sample: twice.txt#x -->" + empty, "two samples x"},
		"empty region":         {"<!-- sample: empty.txt#x -->" + empty, "is empty"},
	}
	fsys := fstest.MapFS{
		"a/a.go":     sources["a/a.go"],
		"fence.txt":  {Data: []byte("```\n")},
		"open.txt":   {Data: []byte("// sample:x\nx\n")},
		"end.txt":    {Data: []byte("// end sample\n")},
		"nested.txt": {Data: []byte("// sample:x\n// sample:y\n// end sample\n// end sample\n")},
		"twice.txt":  {Data: []byte("// sample:x\nx\n// end sample\n// sample:x\nx\n// end sample\n")},
		"empty.txt":  {Data: []byte("// sample:x\n// end sample\n")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := weave(fsys, tt.page)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// All mistakes of a page come at once.
func TestWeaveReportsAll(t *testing.T) {
	t.Parallel()
	_, err := weave(sources, "```go\n```\n\n<!-- sample: a/a.go#x -->\n```go\n```\n")
	if err == nil || strings.Count(err.Error(), "line ") != 2 {
		t.Errorf("error %v, want one with two lines", err)
	}
}

func TestWeaveAll(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const stale = "<!-- sample: a.go#x -->\n```go\n```\n"
	write("a.go", "// sample:x\nx()\n// end sample\n")
	write("README.md", stale)
	write("docs/a.md", "```go\n```\n")
	write("docs/b.md", stale)

	var changed []string
	err := weaveAll(root, func(line string) { changed = append(changed, line) })
	if err == nil || !strings.Contains(err.Error(), "docs/a.md: line 1") {
		t.Errorf("error %v, want one with docs/a.md", err)
	}
	if diff := cmp.Diff([]string{"README.md: line 2: a.go#x", "docs/b.md: line 2: a.go#x"}, changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	const want = "<!-- sample: a.go#x -->\n```go\nx()\n```\n"
	for _, name := range []string{"README.md", "docs/b.md"} {
		if got := read(name); got != want {
			t.Errorf("%s:\n%s", name, got)
		}
	}
	if got := read("docs/a.md"); got != "```go\n```\n" {
		t.Errorf("the page with a mistake was changed:\n%s", got)
	}
}
