package main

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// link is a link of Markdown that is not to another site.
var link = regexp.MustCompile(`\]\(([^)\s:]+)\)`)

// notInAnchor is what GitHub leaves out of a heading's anchor.
var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}\p{M}\-_ ]`)

// TestLinks: what the pages link to in this repository is there, headings too.
func TestLinks(t *testing.T) {
	t.Parallel()
	fsys := os.DirFS("../..")
	names, err := pages(fsys)
	if err != nil {
		t.Fatal(err)
	}
	more, err := fs.Glob(fsys, "*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range append(names, more...) {
		if seen[name] {
			continue
		}
		seen[name] = true
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(prose(string(text)), -1) {
			file, anchor, hasAnchor := strings.Cut(m[1], "#")
			target := path.Join(path.Dir(name), file)
			if file == "" {
				target = name
			}
			if _, err := fs.Stat(fsys, target); err != nil {
				t.Errorf("%s: link to %s: %v", name, m[1], err)
				continue
			}
			if !hasAnchor {
				continue
			}
			other, err := fs.ReadFile(fsys, target)
			if err != nil {
				t.Errorf("%s: link to %s: %v", name, m[1], err)
				continue
			}
			if !anchors(string(other))[anchor] {
				t.Errorf("%s: link to %s: %s has no such heading", name, m[1], target)
			}
		}
	}
}

// prose is a page without its fenced blocks.
func prose(text string) string {
	var out strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		if open := fence.FindStringSubmatch(trimEnd(lines[i])); open != nil {
			if end := closing(lines, i+1, open[2]); end > 0 {
				i = end
				continue
			}
		}
		out.WriteString(lines[i])
	}
	return out.String()
}

// anchors are those that GitHub gives the headings of a page.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(prose(text)) {
		title := strings.TrimLeft(line, "#")
		if level := len(line) - len(title); level == 0 || level > 6 || !strings.HasPrefix(title, " ") {
			continue
		}
		title = strings.ToLower(strings.TrimSpace(title))
		found[strings.ReplaceAll(notInAnchor.ReplaceAllString(title, ""), " ", "-")] = true
	}
	return found
}

func TestAnchors(t *testing.T) {
	t.Parallel()
	got := anchors("# One two\n\n## 9. Joins\n```sh\n# not a heading\n```\n### `exo serve`: how?\n#none\n")
	for _, want := range []string{"one-two", "9-joins", "exo-serve-how"} {
		if !got[want] {
			t.Errorf("no anchor %s in %v", want, got)
		}
	}
	if len(got) != 3 {
		t.Errorf("anchors %v, want three", got)
	}
}
