package main

import (
	"io/fs"
	"os"
	"testing"
)

// TestDocs: what the project's pages show is what is compiled and tested.
func TestDocs(t *testing.T) {
	t.Parallel()
	fsys := os.DirFS("../..")
	names, err := pages(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := fs.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			p, err := weave(fsys, string(text))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, block := range p.stale {
				t.Errorf("%s: %s: differs from its source (run make docs)", name, block)
			}
		})
	}
}
