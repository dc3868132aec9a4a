package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
)

// source is the text that ref, "path/to/file.go#Name", names: every line ends in
// a newline, and what all of them are indented by is taken away. kind "output"
// asks for what an Example prints.
func source(fsys fs.FS, kind, ref string) (string, error) {
	path, name, _ := strings.Cut(ref, "#")
	text, err := fs.ReadFile(fsys, path)
	if err != nil {
		return "", fmt.Errorf("sample %s: %w", ref, err)
	}
	var body string
	switch {
	case kind == "output":
		body, err = exampleOutput(path, text, name)
	case name == "":
		body = string(text)
	default:
		var ok bool
		if body, ok, err = region(string(text), name); err == nil && !ok {
			body, err = exampleBody(path, text, name)
		}
	}
	if err == nil && strings.TrimSpace(body) == "" {
		err = errors.New("is empty")
	}
	if err != nil {
		return "", fmt.Errorf("sample %s: %w", ref, err)
	}
	return dedent(body), nil
}

// A region is what stands between the comments "// sample:Name" and "// end
// sample". Regions do not nest, and their names are unique in a file.
const (
	regionBegin = "// sample:"
	regionEnd   = "// end sample"
)

func region(text, name string) (body string, found bool, err error) {
	var out strings.Builder
	inside := ""
	seen := map[string]bool{}
	for line := range strings.SplitAfterSeq(text, "\n") {
		mark := strings.TrimSpace(line)
		begins, ok := strings.CutPrefix(mark, regionBegin)
		switch {
		case ok && inside != "":
			return "", false, fmt.Errorf("sample %s begins inside sample %s", begins, inside)
		case ok && seen[begins]:
			return "", false, fmt.Errorf("the file has two samples %s", begins)
		case ok:
			inside, seen[begins] = begins, true
		case mark == regionEnd && inside == "":
			return "", false, fmt.Errorf("%q where no sample has begun", regionEnd)
		case mark == regionEnd:
			inside = ""
		case inside == name:
			out.WriteString(line)
		}
	}
	if inside != "" {
		return "", false, fmt.Errorf("sample %s has no %q", inside, regionEnd)
	}
	return out.String(), seen[name], nil
}

// exampleBody is what the braces of an Example function hold.
func exampleBody(path string, text []byte, name string) (string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || f.Name.Name != name || !strings.HasPrefix(name, "Example") {
			continue
		}
		offset := func(p token.Pos) int { return files.Position(p).Offset }
		return strings.TrimLeft(string(text[offset(f.Body.Lbrace)+1:offset(f.Body.Rbrace)]), "\n"), nil
	}
	return "", fmt.Errorf("the file has neither %s%s nor an Example function of that name", regionBegin, name)
}

// exampleOutput is what the comment "// Output:" of an Example function says.
func exampleOutput(path string, text []byte, name string) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
	if err != nil {
		return "", err
	}
	for _, example := range doc.Examples(file) {
		if "Example"+example.Name == name {
			return example.Output, nil
		}
	}
	return "", fmt.Errorf("the file has no Example function %s", name)
}

// dedent takes away the tabs that all lines begin with, empty ones aside, and
// empty lines at both ends.
func dedent(text string) string {
	text = strings.Trim(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	text = strings.TrimRight(text, " \t\n")
	lines := strings.Split(text, "\n")
	common := -1
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		tabs := len(line) - len(strings.TrimLeft(line, "\t"))
		if common < 0 || tabs < common {
			common = tabs
		}
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line[min(max(common, 0), len(line)):], " \t")
	}
	return strings.Join(lines, "\n") + "\n"
}
