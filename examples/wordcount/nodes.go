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
	"strconv"
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
	Path    string `json:"path"`
	Lines   string `json:"lines"`
	Words   string `json:"words"`
	Bytes   string `json:"bytes"`
	Problem string `json:"problem,omitempty"`
}

var (
	findFiles  = exo.FanOut("FindFiles", find)
	countWords = exo.Node("CountWords", countFile)
)

// graph wires the two: for every file found, one state of "count".
func graph(dir string) (*exo.Graph, *exo.Step[Counted]) {
	g := exo.NewGraph("wordcount").Retry(exo.NoRetry())
	found := exo.Add(g, "find", findFiles, Folder{Dir: dir})
	counted := exo.Add(g, "count", countWords, found.Out, exo.After(found))
	return g, counted
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
// so: the others count all the same.
func countFile(ctx context.Context, in File, _ exo.None) (Counted, error) {
	if in.Problem != "" {
		return Counted{Path: in.Path, Problem: in.Problem}, nil
	}
	f, err := os.Open(in.Path)
	if err != nil {
		return Counted{Path: in.Path, Problem: err.Error()}, nil
	}
	defer func() { _ = f.Close() }()
	t, err := tallyOf(ctx, f)
	if err != nil {
		if ctx.Err() != nil {
			return Counted{}, err
		}
		return Counted{Path: in.Path, Problem: err.Error()}, nil
	}
	return Counted{
		Path:  in.Path,
		Lines: strconv.Itoa(t.lines),
		Words: strconv.Itoa(t.words),
		Bytes: strconv.Itoa(t.bytes),
	}, nil
}

// tally is what wc counts.
type tally struct{ lines, words, bytes int }

// tallyOf counts as wc does in a UTF-8 locale: lines are newlines, words are
// what white space separates and holds something printable.
func tallyOf(ctx context.Context, r io.Reader) (tally, error) {
	var t tally
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
		if t.bytes>>20 != (t.bytes+size)>>20 && ctx.Err() != nil { // look once a megabyte
			return t, ctx.Err()
		}
		t.bytes += size
		if c == '\n' {
			t.lines++
		}
		switch {
		case separates(c):
			inWord = false
		case !inWord && prints(c) && (c != utf8.RuneError || size > 1):
			inWord = true
			t.words++
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
