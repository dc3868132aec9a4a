package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/urfave/cli/v3"
)

// outputFlag chooses between tables for people and JSON for programs.
func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "table", Usage: "`FORMAT` of the output: table or json", DefaultText: "table"}
}

func checkOutput(c *cli.Command) error {
	switch format := c.String("output"); format {
	case "", "table", "json": // "": a command without the flag
		return nil
	default:
		return usageError{fmt.Errorf("--output is table or json, not %q", format)}
	}
}

// show prints v as JSON if that is asked for, else the text that people writes.
func show(env environment, c *cli.Command, v any, people func(w io.Writer) error) error {
	if c.String("output") != "json" {
		return people(env.stdout)
	}
	e := json.NewEncoder(env.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// table prints rows below a heading.
func table(w io.Writer, heading string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) // keeps its errors until Flush
	_, _ = fmt.Fprintln(t, strings.ReplaceAll(heading, " ", "\t"))
	for _, row := range rows {
		for i := range row {
			row[i] = cell(row[i])
		}
		_, _ = fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// widest is how many characters a cell has at most.
const widest = 100

// cell is text in one line, without what a terminal would take for a command.
func cell(text string) string {
	runes := []rune(strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return r == ' ' || !unicode.IsGraphic(r)
	}), " "))
	if len(runes) > widest {
		return string(runes[:widest-1]) + "…"
	}
	if len(runes) == 0 {
		return "-"
	}
	return string(runes)
}

// when shows a time, or that there is none.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
