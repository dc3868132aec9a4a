package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// printTable prints the counts, most words first, and the files that could not
// be read to stderr.
func printTable(stdout, stderr io.Writer, files []Counted, took time.Duration) error {
	type row struct {
		tally
		path string
	}
	var rows []row
	var total tally
	unreadable := 0
	for _, f := range files {
		if f.Problem != "" {
			unreadable++
			fmt.Fprintln(stderr, "wordcount:", f.Problem)
			continue
		}
		r := row{path: f.Path}
		var errs [3]error
		r.lines, errs[0] = strconv.Atoi(f.Lines)
		r.words, errs[1] = strconv.Atoi(f.Words)
		r.bytes, errs[2] = strconv.Atoi(f.Bytes)
		if err := errors.Join(errs[:]...); err != nil {
			return fmt.Errorf("counts of %s: %w", f.Path, err)
		}
		total.lines += r.lines
		total.words += r.words
		total.bytes += r.bytes
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.words, a.words), strings.Compare(a.path, b.path))
	})
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "lines\twords\tbytes\t  file\n")
	for _, r := range rows {
		fmt.Fprintf(table, "%d\t%d\t%d\t  %s\n", r.lines, r.words, r.bytes, r.path)
	}
	fmt.Fprintf(table, "%d\t%d\t%d\t  total\n", total.lines, total.words, total.bytes)
	if err := table.Flush(); err != nil {
		return err
	}
	summary := fmt.Sprintf("%d files", len(rows))
	if unreadable > 0 {
		summary += fmt.Sprintf(", %d unreadable", unreadable)
	}
	_, err := fmt.Fprintf(stdout, "\n%s in %v\n", summary, took.Round(time.Millisecond))
	return err
}
