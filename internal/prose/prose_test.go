package prose

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWords keeps the words of the list out of all pages, and out of comments and
// messages of Go code.
func TestWords(t *testing.T) {
	t.Parallel()
	fsys := os.DirFS("../..")
	used := make([]bool, len(exceptions))
	files := 0
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base == ".git" || base == "testdata" || name == "internal/prose" {
				return fs.SkipDir
			}
			return nil
		}
		extract := extractor(name)
		if extract == nil {
			return nil
		}
		files++
		source, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		text, err := extract(source)
		if err != nil {
			return err
		}
		lines := strings.Split(string(source), "\n")
		for _, f := range find(text) {
			if i := excepted(name, lines[f.line-1]); i >= 0 {
				used[i] = true
				continue
			}
			t.Errorf("%s:%d: %q: write %s", name, f.line, f.words, f.write)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Errorf("read %d files: the tree is not there", files)
	}
	for i, e := range exceptions {
		if !used[i] {
			t.Errorf("exception %q of %s is not needed", e.line, e.file)
		}
		if e.reason == "" {
			t.Errorf("exception %q of %s has no reason", e.line, e.file)
		}
	}
}

// excepted is the index of the exception for a line, or -1.
func excepted(file, line string) int {
	return slices.IndexFunc(exceptions, func(e exception) bool {
		return e.file == file && strings.Contains(line, e.line)
	})
}

// extractor is how to take the prose from a file, or nil for a file that has none.
func extractor(name string) func([]byte) (string, error) {
	switch ext := path.Ext(name); {
	case ext == ".md":
		return markdown
	case ext == ".go" && !strings.HasSuffix(name, "_test.go"):
		return goSource
	case ext == ".yml", ext == ".yaml", ext == ".mk", path.Base(name) == "Makefile", path.Base(name) == "Dockerfile",
		path.Dir(name) == ".ci", path.Dir(name) == "build" && ext == "":
		return func(source []byte) (string, error) { return string(source), nil }
	}
	return nil
}

type finding struct {
	line         int
	words, write string
}

// compiled are the rules' expressions.
var compiled = func() []*regexp.Regexp {
	all := make([]*regexp.Regexp, len(rules))
	for i, r := range rules {
		all[i] = regexp.MustCompile(`(?i)\b(?:` + strings.ReplaceAll(r.words, " ", `\s+`) + `)(?:\b|\W)`)
	}
	return all
}()

// find gives what the rules say of a text, by line.
func find(text string) []finding {
	var all []finding
	for i, r := range rules {
		for _, at := range compiled[i].FindAllStringIndex(text, -1) {
			words := strings.Join(strings.Fields(text[at[0]:at[1]]), " ")
			all = append(all, finding{1 + strings.Count(text[:at[0]], "\n"), words, r.write})
		}
	}
	slices.SortStableFunc(all, func(a, b finding) int { return a.line - b.line })
	return all
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file, text string
		want             []finding
	}{
		{"word", "a.md", "It has\na Time-Out.", []finding{{2, "Time-Out", "timeout"}}},
		{"part of a word", "a.md", "real time-outrage, and unanswered", nil},
		{"phrase over two lines", "a.md", "a\nrun at\nrest", []finding{{2, "at rest", "terminal, finished"}}},
		{"code span", "a.md", "the `at rest` span, and ``a ` time-out``", nil},
		{"fence", "a.md", "```text\ntime-out\n```\nanew", []finding{{4, "anew", "again"}}},
		{"link", "a.md", "[it](docs/time-out.md) is <!-- anew --> here", nil},
		{"comment", "a.go", "package a\n\n// A is put\n// back.\nvar A int", []finding{{3, "put back", "requeue"}}},
		{"message", "a.go", "package a\n\nvar A = \"x:\\ntime-out\"", []finding{{3, "time-out", "timeout"}}},
		{"identifier", "a.go", "package a\n\nvar anew = answer // [anew] is `answer`", nil},
		{"import and tag", "a.go", "package a\n\nimport \"answer\"\n\ntype T struct {\n\tA int `json:\"answer\"`\n}", nil},
		{"tests are free", "a_test.go", "package a\n// answer", nil},
		{"other text", ".ci/run", "# at rest", []finding{{1, "at rest", "terminal, finished"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			extract := extractor(tt.file)
			if extract == nil {
				extract = func([]byte) (string, error) { return "", nil }
			}
			text, err := extract([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := find(text); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
