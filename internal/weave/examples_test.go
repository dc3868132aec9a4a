package main

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// noExample are what is exported and shown by no Example, and why that is well.
var noExample = map[string]string{
	"exo/local.PendingStates": "what UnfinishedError lists, which an Example prints",
	"exo/node.Field":          "what Node.InputFields gives, which an Example ranges over",
}

// TestExamples: every exported function, type and method of the packages that
// people write against is shown by an Example on pkg.go.dev: one that is named
// for it, or one that uses it.
func TestExamples(t *testing.T) {
	t.Parallel()
	var missing []string
	for _, pkg := range []string{"exo", "exo/node", "exo/store", "exo/local"} {
		missing = append(missing, unshown(t, pkg)...)
	}
	for _, name := range missing {
		if noExample[name] == "" {
			t.Errorf("%s: no Example shows it (write one, or say in noExample why there is none)", name)
		}
	}
	for name := range noExample {
		if !slices.Contains(missing, name) {
			t.Errorf("%s: is in noExample, and is shown or gone: take it out", name)
		}
	}
}

// standard are methods of interfaces that everyone knows.
var standard = []string{"Error", "Format", "GoString", "JSONSchema", "LogValue", "MarshalJSON", "MarshalText", "String", "UnmarshalJSON"}

// unshown lists what a package exports and none of its Examples shows. A type is
// shown with any of its functions, methods and constants. It needs no Example if
// it is another name of a type, or an interface that only we implement, such as
// those of options.
func unshown(t *testing.T, pkg string) []string {
	t.Helper()
	files := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join("../..", filepath.FromSlash(pkg), "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("package %s: %d files, %v", pkg, len(names), err)
	}
	var code, tests []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			tests = append(tests, file)
		} else {
			code = append(code, file)
		}
	}
	shown := shownBy(tests)
	api, err := doc.NewFromFiles(files, code, pkg)
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	need := func(prefix, name string) (ok bool) {
		ok = shown[strings.ReplaceAll(prefix+name, ".", "_")] || shown["."+name]
		if !ok {
			missing = append(missing, pkg+"."+prefix+name)
		}
		return ok
	}
	for _, f := range api.Funcs {
		need("", f.Name)
	}
	for _, typ := range api.Types {
		isShown := ours(typ)
		for _, f := range typ.Funcs {
			isShown = need("", f.Name) || isShown
		}
		for _, m := range typ.Methods {
			if m.Level == 0 && !slices.Contains(standard, m.Name) {
				isShown = need(typ.Name+".", m.Name) || isShown
			}
		}
		for _, values := range typ.Consts {
			isShown = isShown || slices.ContainsFunc(values.Names, func(name string) bool { return shown["."+name] })
		}
		if !isShown {
			need("", typ.Name)
		}
	}
	return missing
}

// ours reports whether a type is an alias, or an interface with methods that are
// not exported.
func ours(typ *doc.Type) bool {
	spec, ok := typ.Decl.Specs[0].(*ast.TypeSpec)
	if !ok || spec.Assign.IsValid() {
		return ok
	}
	iface, ok := spec.Type.(*ast.InterfaceType)
	return ok && (iface.Incomplete || len(iface.Methods.List) == 0)
}

// shownBy gathers what Examples with an output are named for, "Type_Method" and
// all that it begins with, and what their bodies select, ".Name".
func shownBy(tests []*ast.File) map[string]bool {
	shown := map[string]bool{}
	bodies := map[string]*ast.BlockStmt{}
	for _, file := range tests {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				bodies[f.Name.Name] = f.Body
			}
		}
	}
	for _, example := range doc.Examples(tests...) {
		if example.Output == "" && !example.EmptyOutput {
			continue // compiled, but not run
		}
		shown[example.Name] = true
		parts := strings.Split(example.Name, "_")
		for i := range parts {
			shown[strings.Join(parts[:i], "_")] = true
		}
		if bodies["Example"+example.Name] == nil {
			continue
		}
		ast.Inspect(bodies["Example"+example.Name], func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				shown["."+s.Sel.Name] = true
			}
			return true
		})
	}
	return shown
}

// The test above would find what is missing.
func TestUnshown(t *testing.T) {
	t.Parallel()
	parse := func(text string) *ast.File {
		file, err := parser.ParseFile(token.NewFileSet(), "p_test.go", text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	shown := shownBy([]*ast.File{parse(`package p_test

func ExampleT_Named() {
	p.Used()
	// Output:
}

func ExampleOther_special() {
	// Output: x
}

func ExampleNotRun() { p.Compiled() }

func helper() { p.Hidden() }
`)})
	for name, want := range map[string]bool{
		"T_Named": true, "T": true, ".Used": true, "Other": true,
		"NotRun": false, ".Compiled": false, ".Hidden": false, "U_Named": false,
	} {
		if shown[name] != want {
			t.Errorf("%s: shown %t, want %t", name, shown[name], want)
		}
	}
}
