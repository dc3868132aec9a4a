package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode"
	"unicode/utf8"

	"github.com/exospherehost/exo-go/exo"
)

// Folder is where to look.
type Folder struct {
	Dir string `json:"dir" jsonschema:"description=Folder to search with all folders below it"`
}

// File is a text file, or one that could not be read.
type File struct {
	Path    string `json:"path"`
	Problem string `json:"problem,omitempty" jsonschema:"description=Why the file cannot be read"`
}

// Counted is what is in a file.
type Counted struct {
	Path    string       `json:"path"`
	Problem string       `json:"problem,omitempty" jsonschema:"description=Why there are no counts"`
	Lines   exo.Val[int] `json:"lines"`
	Words   exo.Val[int] `json:"words"`
	Bytes   exo.Val[int] `json:"bytes"`
}

// AllCounted is every file, as the input of the join: lists that go by file.
type AllCounted struct {
	Paths    exo.Val[[]string] `json:"paths"`
	Problems exo.Val[[]string] `json:"problems"`
	Lines    exo.Val[[]int]    `json:"lines"`
	Words    exo.Val[[]int]    `json:"words"`
	Bytes    exo.Val[[]int]    `json:"bytes"`
}

// Reported is the outcome of the run.
type Reported struct {
	Report exo.Val[Report] `json:"report"`
}

var (
	openFolder  = exo.Node("OpenFolder", open)
	findFiles   = exo.FanOut("FindFiles", find)
	countWords  = exo.Node("CountWords", countFile)
	writeReport = exo.Node("WriteReport", report)
)

// graph wires them: one state of "count" for every file that is found, and one
// of "report" when all of them are done. What it unites is the step before the
// one that fans out, of which there is one state.
func graph(dir string) (*exo.Graph, *exo.Step[Reported]) {
	g := exo.NewGraph("wordcount").Retry(exo.NoRetry())
	root := exo.Add(g, "open", openFolder, Folder{Dir: dir})
	found := exo.Add(g, "find", findFiles, root.Out, exo.After(root))
	counted := exo.Add(g, "count", countWords, found.Out, exo.After(found))
	reported := exo.Add(g, "report", writeReport, AllCounted{
		Paths:    exo.CollectStrings(counted.Out.Path),
		Problems: exo.CollectStrings(counted.Out.Problem),
		Lines:    exo.Collect(counted.Out.Lines),
		Words:    exo.Collect(counted.Out.Words),
		Bytes:    exo.Collect(counted.Out.Bytes),
	}, exo.After(counted), exo.Unites(root, exo.AllSuccess))
	return g, reported
}

// open looks whether the folder is one, before anything is done about it.
func open(_ context.Context, in Folder, _ exo.None) (Folder, error) {
	info, err := os.Stat(in.Dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", in.Dir)
	}
	if err != nil {
		return Folder{}, exo.Permanent(err)
	}
	return in, nil
}

// find gives one output for each text file, and prunes the branch if there is
// none.
func find(ctx context.Context, in Folder, _ exo.None) ([]File, error) {
	var files []File
	err := filepath.WalkDir(in.Dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case path == in.Dir && err != nil:
			return err
		case err == nil && entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case err == nil && !entry.Type().IsRegular():
			return nil
		}
		text := false
		if err == nil {
			text, err = isText(path)
		}
		if err != nil {
			files = append(files, File{Path: path, Problem: err.Error()})
		} else if text {
			files = append(files, File{Path: path})
		}
		return nil // a file that cannot be read does not end the search
	})
	if err != nil {
		return nil, exo.Permanent(err)
	}
	if len(files) == 0 {
		return nil, exo.Prune(map[string]any{"reason": "no text files below " + in.Dir})
	}
	return files, nil
}

// isText looks at the beginning of a file: UTF-8 without NUL is text.
func isText(path string) (bool, error) {
	if !utf8.ValidString(path) { // what travels between nodes is
		return false, fmt.Errorf("%q: the name is not UTF-8", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 8<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	head = head[:n]
	for len(head) > 0 {
		r, size := utf8.DecodeRune(head)
		if r == 0 || r == utf8.RuneError && size == 1 && (n < 8<<10 || utf8.FullRune(head)) {
			return false, nil
		}
		head = head[size:]
	}
	return true, nil
}

// countFile counts one file. A file that cannot be read is an output that says
// so: the others count anyway.
func countFile(ctx context.Context, in File, _ exo.None) (Counted, error) {
	counted := Counted{Path: in.Path, Problem: in.Problem}
	if counted.Problem != "" {
		return counted, nil
	}
	tally, err := countPath(ctx, in.Path)
	switch {
	case ctx.Err() != nil:
		return Counted{}, ctx.Err()
	case err != nil:
		counted.Problem = err.Error()
	default:
		counted.Lines, counted.Words, counted.Bytes = exo.Of(tally.Lines), exo.Of(tally.Words), exo.Of(tally.Bytes)
	}
	return counted, nil
}

func countPath(ctx context.Context, path string) (Tally, error) {
	f, err := os.Open(path)
	if err != nil {
		return Tally{}, err
	}
	defer func() { _ = f.Close() }()
	return tallyOf(ctx, f)
}

// report gathers what the branches have counted. Without any file there were no
// branches, and the report is an empty one.
func report(_ context.Context, in AllCounted, _ exo.None) (Reported, error) {
	var r Report
	for i, path := range in.Paths.V {
		if problem := in.Problems.V[i]; problem != "" {
			r.Unreadable = append(r.Unreadable, problem)
			continue
		}
		r.add(path, Tally{Lines: in.Lines.V[i], Words: in.Words.V[i], Bytes: in.Bytes.V[i]})
	}
	r.sort()
	return Reported{exo.Of(r)}, nil
}

// Tally is what wc counts.
type Tally struct {
	Lines int `json:"lines"`
	Words int `json:"words"`
	Bytes int `json:"bytes"`
}

// tallyOf counts as wc does in a UTF-8 locale: lines are newlines, words are
// what white space separates and holds something printable.
func tallyOf(ctx context.Context, r io.Reader) (Tally, error) {
	var t Tally
	in := bufio.NewReaderSize(r, 64<<10)
	inWord := false
	for {
		c, size, err := in.ReadRune()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return t, err
		}
		if t.Bytes>>20 != (t.Bytes+size)>>20 && ctx.Err() != nil { // look once a megabyte
			return t, ctx.Err()
		}
		t.Bytes += size
		if c == '\n' {
			t.Lines++
		}
		switch {
		case separates(c):
			inWord = false
		case !inWord && prints(c) && (c != utf8.RuneError || size > 1):
			inWord = true
			t.Words++
		}
	}
}

// separates and prints draw the lines where the C library draws them, and not
// where package unicode does.
func separates(c rune) bool {
	switch c {
	case '\u0085', '\u2028', '\u2029':
		return false
	case '\u2060':
		return true
	}
	return unicode.IsSpace(c)
}

func prints(c rune) bool { return unicode.IsGraphic(c) || unicode.Is(unicode.Cf, c) }
