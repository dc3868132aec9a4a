package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// writeTable writes one line for each dependency: module, version, licence, use.
func writeTable(w io.Writer, all []*dependency) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	lines := []string{"MODULE\tVERSION\tLICENCE\tUSE"}
	for _, d := range all {
		use := "tests"
		if d.Linked {
			use = "linked"
		}
		lines = append(lines, strings.Join([]string{d.Path, d.Version, d.expression(), use}, "\t"))
	}
	if _, err := fmt.Fprintln(tw, strings.Join(lines, "\n")); err != nil {
		return err
	}
	return tw.Flush()
}

// writeTexts writes the licences and notices of all linked dependencies in
// full, to be shipped beside the programs.
func writeTexts(w io.Writer, all []*dependency) error {
	var b strings.Builder
	b.WriteString("exo is built with the following modules. Their licences ask that these texts go along.\n")
	for _, d := range all {
		if !d.Linked {
			continue
		}
		for _, t := range d.Texts {
			rule := strings.Repeat("=", 72)
			fmt.Fprintf(&b, "\n%s\n%s %s, %s\n%s\n\n%s\n",
				rule, d.Path, d.Version, filepath.Base(t.Path), rule, strings.TrimSpace(t.Text))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
