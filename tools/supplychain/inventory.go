package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A dependency is a module that the project's code needs, with the licences of
// those of its packages that are in use.
type dependency struct {
	Path    string
	Version string
	Linked  bool // part of what users build; else needed by tests only
	Texts   []licenceText
}

// licences returns the SPDX identifiers of all texts, each once, sorted.
func (d *dependency) licences() []string {
	ids := map[string]bool{}
	for _, t := range d.Texts {
		for _, id := range t.IDs {
			ids[id] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// expression returns the licences as an SPDX expression. Where a module has
// several, all of them hold: each covers a part of it.
func (d *dependency) expression() string {
	return strings.Join(d.licences(), " AND ")
}

// inventory lists the dependencies of the module in the folder root on every
// platform that is released, the standard library among them, sorted by path.
func inventory(ctx context.Context, root string) ([]*dependency, error) {
	byPath := map[string]*dependency{}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		env := []string{"GOOS=" + goos, "CGO_ENABLED=0"}
		linked, err := listPackages(ctx, root, env, "./...")
		if err != nil {
			return nil, err
		}
		tested, err := listPackages(ctx, root, env, "-test", "./...")
		if err != nil {
			return nil, err
		}
		if err := collect(byPath, linked, true); err != nil {
			return nil, err
		}
		if err := collect(byPath, tested, false); err != nil {
			return nil, err
		}
	}
	std, err := standardLibrary(ctx)
	if err != nil {
		return nil, err
	}
	all := append(slices.Collect(maps.Values(byPath)), std)
	slices.SortFunc(all, func(a, b *dependency) int { return cmp.Compare(a.Path, b.Path) })
	return all, nil
}

// collect adds the modules of packages to byPath. Those found in a first call
// with linked set stay linked.
func collect(byPath map[string]*dependency, packages []pkg, linked bool) error {
	for _, p := range packages {
		m := p.Module
		if m == nil || m.Main {
			continue
		}
		d := byPath[m.Path]
		if d == nil {
			d = &dependency{Path: m.Path, Version: m.Version, Linked: linked}
			byPath[m.Path] = d
		}
		texts, err := licenceTexts(m.Dir, p.Dir)
		if err != nil {
			return fmt.Errorf("module %s: %w", m.Path, err)
		}
		for _, t := range texts {
			if !slices.ContainsFunc(d.Texts, func(have licenceText) bool { return have.Path == t.Path }) {
				d.Texts = append(d.Texts, t)
			}
		}
	}
	return nil
}

// standardLibrary describes Go's own library, which every program links.
func standardLibrary(ctx context.Context) (*dependency, error) {
	root, err := goroot(ctx)
	if err != nil {
		return nil, err
	}
	texts, err := licenceTexts(root, root)
	if err != nil {
		return nil, err
	}
	version, err := goCommand(ctx, "", nil, "env", "GOVERSION")
	if err != nil {
		return nil, err
	}
	return &dependency{
		Path:    "stdlib",
		Version: strings.TrimPrefix(strings.TrimSpace(string(version)), "go"),
		Linked:  true,
		Texts:   texts,
	}, nil
}
