// Weave copies code that is compiled and tested into the pages that show it:
// README.md and docs/*.md. What the pages show is thus what runs; the tests of
// this package fail when it is not.
//
// Run it anywhere in the module, without arguments. It prints what it changed.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	root, err := moduleRoot()
	if err == nil {
		err = weaveAll(root, func(line string) { fmt.Println(line) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "weave:", err)
		os.Exit(1)
	}
}

// weaveAll weaves every page below root, those also that come after a wrong one.
// A page with a mistake is left as it is.
func weaveAll(root string, changed func(line string)) error {
	fsys := os.DirFS(root)
	names, err := pages(fsys)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		p, err := weave(fsys, string(text))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		if len(p.stale) == 0 {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(p.text), 0o644); err != nil { //nolint:gosec // a page that everyone reads
			return err
		}
		for _, block := range p.stale {
			changed(name + ": " + block)
		}
	}
	return errors.Join(errs...)
}

// pages are the pages with samples.
func pages(fsys fs.FS) ([]string, error) {
	docs, err := fs.Glob(fsys, "docs/*.md")
	return append([]string{"README.md"}, docs...), err
}

// moduleRoot is the folder of the nearest go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod here, nor in a folder above")
		}
		dir = parent
	}
}
