package prose

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
)

// What is not prose becomes NUL bytes, so that lines stay where they are and no
// phrase reaches across.
const hidden = "\x00"

// notProse are the parts of a page that are code or addresses: fenced blocks, HTML
// comments, code spans, targets of links.
var notProse = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$|<!--.*?-->|``.*?``|`[^`\n]*`" +
	`|\]\([^)\s]*\)|https?://\S+`)

// docLink is a name in brackets in a Go comment.
var docLink = regexp.MustCompile(`\[\*?[\w.]+\]`)

// hiddenRun is shortened for the sake of speed.
var hiddenRun = regexp.MustCompile(hidden + "{2,}")

// markdown is the prose of a page.
func markdown(source []byte) (string, error) {
	return notProse.ReplaceAllStringFunc(string(source), hide), nil
}

// goSource is the prose of a Go file: its comments and string literals.
func goSource(source []byte) (string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	text := []byte(hide(string(source)))
	show := func(n ast.Node, clean *strings.Replacer) {
		start, end := files.Position(n.Pos()).Offset, files.Position(n.End()).Offset
		copy(text[start:end], clean.Replace(string(source[start:end])))
	}
	for _, group := range file.Comments {
		show(group, inComment)
	}
	tags := map[*ast.BasicLit]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			tags[n.Tag] = true
		case *ast.BasicLit:
			if n.Kind == token.STRING && !tags[n] {
				show(n, inLiteral)
			}
		}
		return true
	})
	prose := hiddenRun.ReplaceAllString(string(text), hidden)
	return markdown([]byte(docLink.ReplaceAllString(prose, hidden)))
}

var (
	inComment = strings.NewReplacer("//", "  ", "\t", " ")
	inLiteral = strings.NewReplacer(`\n`, "  ", `\t`, "  ", "`", hidden)
)

// hide replaces everything but the ends of lines.
func hide(text string) string {
	out := []byte(text)
	for i, c := range out {
		if c != '\n' {
			out[i] = hidden[0]
		}
	}
	return string(out)
}
