package graph_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/internal/graph"
)

func literal(text string) graph.Piece { return graph.Piece{Text: text} }

func output(step, field string) graph.Piece {
	return graph.Piece{Kind: graph.Output, Identifier: step, Field: field}
}

func storeKey(key string) graph.Piece { return graph.Piece{Kind: graph.StoreKey, Text: key} }

func TestParsePlaceholders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want []graph.Piece
	}{
		{"", []graph.Piece{{}}},
		{"text", []graph.Piece{literal("text")}},
		{"${{a.outputs.b}}", []graph.Piece{output("a", "b")}},
		{"${{  a . outputs\t.\nb }}", []graph.Piece{output("a", "b")}},
		{"x${{ a.outputs.b }}y${{store.k}}z", []graph.Piece{literal("x"), output("a", "b"), literal("y"), storeKey("k"), literal("z")}},
		{"${{ a.outputs.b }}${{ c d.outputs.e-f }}", []graph.Piece{output("a", "b"), output("c d", "e-f")}},
		{"$ { {{ }} $$ ${ a }", []graph.Piece{literal("$ { {{ }} $$ ${ a }")}},
		{"${{ a.outputs.b }} }} }", []graph.Piece{output("a", "b"), literal(" }} }")}},
		{"${{ store.outputs.b }}", []graph.Piece{output("store", "b")}},
		{"${{ a.outputs. }}", []graph.Piece{output("a", "")}},
		{"é${{ ü.outputs.ß }}😀", []graph.Piece{literal("é"), output("ü", "ß"), literal("😀")}},
	} {
		got, err := graph.ParsePlaceholders(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
	}
}

func TestParsePlaceholdersRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"${{", "${{ }", "${{}}", "${{ a }}", "${{ a.b }}", "${{ a.outputs }}", "${{ .outputs. }}", "${{ .outputs.b }}",
		"${{ a.output.b }}", "${{ a.b.outputs.c }}", "${{ a..b }}", "${{ store }}", "${{ store. }}", "${{ store.a.b }}", "${{ Store.k }}",
		"${{ a.outputs.b ${{ c.outputs.d }}", "x ${{ a.outputs.b }} ${{",
		strings.Repeat("${{ a.outputs.b }}", graph.MaxPlaceholders+1),
	} {
		if got, err := graph.ParsePlaceholders(text); err == nil {
			t.Errorf("%.60q is taken: %v", text, got)
		} else if len(err.Error()) > 1024 {
			t.Errorf("%.60q: the error has %d bytes", text, len(err.Error()))
		}
	}
}

func TestOutputReferences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":  nil,
		"x": nil,
		"${{ a.outputs.b }} ${{ store.k }}${{ c.outputs.d }}${{ a.outputs.e }}": {"a", "c", "a"},
		"${{ a.outputs.b }} ${{": nil,
	} {
		if diff := cmp.Diff(want, graph.OutputReferences(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// What is parsed, written anew, parses to the same.
func FuzzParsePlaceholders(f *testing.F) {
	for _, s := range []string{"", "a", "${{a.outputs.b}}", "x ${{ store.k }} y", "${{ a", "${{}}", "}} ${{", "${{ a.outputs.b }}}}", "${{ a.outputs. }}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pieces, err := graph.ParsePlaceholders(text)
		if err != nil {
			return
		}
		var anew strings.Builder
		placeholders := 0
		for _, p := range pieces {
			switch p.Kind {
			case graph.Literal:
				anew.WriteString(p.Text)
				continue
			case graph.StoreKey:
				anew.WriteString("${{ store." + p.Text + " }}")
			case graph.Output:
				anew.WriteString("${{ " + p.Identifier + ".outputs." + p.Field + " }}")
			case graph.Branches:
				anew.WriteString("${{ " + p.Identifier + ".branches." + p.Field + " }}")
			}
			placeholders++
		}
		if want := strings.Count(text, "${{"); placeholders != want {
			t.Errorf("%q has %d placeholders, want %d", text, placeholders, want)
		}
		again, err := graph.ParsePlaceholders(anew.String())
		if diff := cmp.Diff(pieces, again); err != nil || diff != "" {
			t.Errorf("%q, written anew %q: %v\n%s", text, anew.String(), err, diff)
		}
	})
}
