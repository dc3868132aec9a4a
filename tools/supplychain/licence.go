package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// leastKnown is the share of a licence file, in per cent of its words, that has
// to be text of known licences. The rest is copyright lines and headings.
const leastKnown = 75

// licenceText is a file that has to be handed on with the code: a licence, or
// the notice that comes with one.
type licenceText struct {
	Path string
	Text string
	IDs  []string // SPDX identifiers; empty for a notice
}

// licenceTexts reads the licences and notices that hold for the code in dir:
// those in dir itself and in the folders above it, up to root.
func licenceTexts(root, dir string) ([]licenceText, error) {
	var all []licenceText
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("looking for licences: %w", err)
		}
		for _, e := range entries {
			isLicence, isNotice := legalName(e.Name())
			if e.IsDir() || !isLicence && !isNotice {
				continue
			}
			t, err := readLicence(filepath.Join(dir, e.Name()), isLicence)
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
		parent := filepath.Dir(dir)
		if dir == root || parent == dir {
			return all, nil
		}
		dir = parent
	}
}

func readLicence(path string, classify bool) (licenceText, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return licenceText{}, fmt.Errorf("reading a licence: %w", err)
	}
	t := licenceText{Path: path, Text: string(text)}
	if !classify {
		return t, nil
	}
	found := licensecheck.Scan(text)
	ids := map[string]bool{}
	for _, m := range found.Match {
		if !m.IsURL {
			ids[m.ID] = true
		}
	}
	if found.Percent < leastKnown || len(ids) == 0 {
		return licenceText{}, fmt.Errorf("%s: no known licence (%.0f%% of the text is known, %d%% are needed): read it and decide", path, found.Percent, leastKnown)
	}
	t.IDs = slices.Sorted(maps.Keys(ids))
	return t, nil
}

// legalName tells by its name whether a file is a licence or a notice, and not
// code that deals with licences.
func legalName(name string) (licence, notice bool) {
	name = strings.ToLower(name)
	switch filepath.Ext(name) {
	case ".go", ".sh", ".py", ".js", ".html", ".json", ".yaml", ".yml", ".tmpl":
		return false, false
	}
	for _, prefix := range []string{"licence", "license", "copying", "unlicense"} {
		if strings.HasPrefix(name, prefix) {
			return true, false
		}
	}
	return false, strings.HasPrefix(name, "notice")
}
