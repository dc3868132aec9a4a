package main

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// A marker is a comment on a line of its own, which Markdown does not show:
//
//	<!-- sample: path/to/file.go#Name -->   the block below it is that sample
//	<!-- output: path/to/file.go#Name -->   the block below it is what that Example prints
//	<!-- no sample: reason -->              the Go block below it is compiled nowhere, and why
var marker = regexp.MustCompile(`^\s*<!--\s*(sample|output|no sample):\s*(.*?)\s*-->\s*$`)

// fence is the line that begins a fenced block, or ends it.
var fence = regexp.MustCompile("^([ \t]*)(```+|~~~+)[ \t]*([^` \t]*)(.*)$")

// A page is a text in Markdown, woven.
type page struct {
	text  string   // with the blocks as their sources are now
	stale []string // the blocks that were different, "line 12: path/to/file.go#Name"
}

// weave replaces the marked blocks of a page by their sources in fsys. All that
// is wrong with the page comes at once.
func weave(fsys fs.FS, text string) (page, error) {
	var (
		p     page
		errs  []error
		out   strings.Builder
		lines = strings.SplitAfter(text, "\n")
	)
	fail := func(line int, err error) { errs = append(errs, fmt.Errorf("line %d: %w", line+1, err)) }

	var mark []string // the marker that the next line may be a block of
	markLine := 0
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		out.WriteString(line)
		if m := marker.FindStringSubmatch(trimEnd(line)); m != nil {
			if mark != nil {
				fail(markLine, errNoBlock)
			}
			mark, markLine = m, i
			continue
		}
		open := fence.FindStringSubmatch(trimEnd(line))
		if open == nil {
			if mark != nil && strings.TrimSpace(line) != "" {
				fail(markLine, errNoBlock)
				mark = nil
			}
			continue
		}

		end := closing(lines, i+1, open[2])
		if end < 0 {
			fail(i, errors.New("the fenced block has no end"))
			break
		}
		old := strings.Join(lines[i+1:end], "")
		body, err := old, error(nil)
		switch {
		case mark == nil && open[3] == "go":
			err = errors.New("a block of Go without <!-- sample: path/to/file.go#Name --> above it, which keeps it true, or <!-- no sample: reason -->")
		case mark == nil:
		case mark[1] == "no sample" && mark[2] == "":
			err = errors.New("<!-- no sample --> without a reason")
		case mark[1] != "no sample":
			body, err = source(fsys, mark[1], mark[2])
			body = indent(body, open[1])
		}
		switch {
		case err != nil:
			fail(i, err)
			body = old
		case strings.Contains(body, open[2]) && body != old:
			fail(i, fmt.Errorf("the sample holds %s, which would end the block: use a longer fence", open[2]))
			body = old
		case body != old:
			p.stale = append(p.stale, fmt.Sprintf("line %d: %s", i+1, mark[2]))
		}
		out.WriteString(body)
		out.WriteString(lines[end])
		i, mark = end, nil
	}
	if mark != nil {
		fail(markLine, errNoBlock)
	}
	p.text = out.String()
	return p, errors.Join(errs...)
}

var errNoBlock = errors.New("the comment is not followed by a fenced block")

// closing is the index of the line that ends the block begun with open, or -1.
func closing(lines []string, from int, open string) int {
	for i := from; i < len(lines); i++ {
		m := fence.FindStringSubmatch(trimEnd(lines[i]))
		if m != nil && strings.HasPrefix(m[2], open) && m[3] == "" && strings.TrimSpace(m[4]) == "" {
			return i
		}
	}
	return -1
}

func trimEnd(line string) string { return strings.TrimRight(line, "\r\n") }

// indent puts prefix before every line that is not empty.
func indent(text, prefix string) string {
	if prefix == "" {
		return text
	}
	var out strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		if strings.TrimSpace(line) != "" {
			out.WriteString(prefix)
		}
		out.WriteString(line)
	}
	return out.String()
}
