package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is the counts of all files and what they come to.
type Report struct {
	Files      []FileTally `json:"files"`
	Total      Tally       `json:"total"`
	Unreadable []string    `json:"unreadable"` // why files could not be read
}

// FileTally is the counts of one file.
type FileTally struct {
	Path string `json:"path"`
	Tally
}

func (r *Report) add(path string, t Tally) {
	r.Files = append(r.Files, FileTally{path, t})
	r.Total.Lines += t.Lines
	r.Total.Words += t.Words
	r.Total.Bytes += t.Bytes
}

// sort puts the files with most words first.
func (r *Report) sort() {
	slices.SortFunc(r.Files, func(a, b FileTally) int {
		return cmp.Or(cmp.Compare(b.Words, a.Words), strings.Compare(a.Path, b.Path))
	})
}

// printTable prints the counts, and the files that could not be read to stderr.
func printTable(stdout, stderr io.Writer, r Report, took time.Duration) error {
	for _, problem := range r.Unreadable {
		if _, err := fmt.Fprintln(stderr, "wordcount:", problem); err != nil {
			return err
		}
	}
	// A tabwriter keeps what it could not write until Flush.
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(t Tally, name string) {
		_, _ = fmt.Fprintf(table, "%d\t%d\t%d\t  %s\n", t.Lines, t.Words, t.Bytes, name)
	}
	_, _ = fmt.Fprint(table, "lines\twords\tbytes\t  file\n")
	for _, file := range r.Files {
		row(file.Tally, file.Path)
	}
	row(r.Total, "total")
	if err := table.Flush(); err != nil {
		return err
	}
	summary := fmt.Sprintf("%d files", len(r.Files))
	if n := len(r.Unreadable); n > 0 {
		summary += fmt.Sprintf(", %d unreadable", n)
	}
	_, err := fmt.Fprintf(stdout, "\n%s in %v\n", summary, took.Round(time.Millisecond))
	return err
}
