package statemanager_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestParsePlaceholders(t *testing.T) {
	t.Parallel()
	type piece = statemanager.Piece
	for _, c := range []struct {
		text string
		want []piece
	}{
		{"", []piece{{}}},
		{"text", []piece{{Text: "text"}}},
		{"${{a.outputs.b}}", []piece{{"", "a", "b"}}},
		{"${{  a . outputs\t.\nb }}", []piece{{"", "a", "b"}}},
		{"x${{ a.outputs.b }}y${{store.k}}z", []piece{{Text: "x"}, {"", "a", "b"}, {Text: "y"}, {Field: "k"}, {Text: "z"}}},
		{"${{ a.outputs.b }}${{ c d.outputs.e-f }}", []piece{{"", "a", "b"}, {"", "c d", "e-f"}}},
		{"$ { {{ }} $$ ${ a }", []piece{{Text: "$ { {{ }} $$ ${ a }"}}},
		{"${{ a.outputs.b }} }} }", []piece{{"", "a", "b"}, {Text: " }} }"}}},
		{"${{ store.outputs.b }}", []piece{{"", "store", "b"}}},
		{"é${{ ü.outputs.ß }}😀", []piece{{Text: "é"}, {"", "ü", "ß"}, {Text: "😀"}}},
	} {
		got, err := statemanager.ParsePlaceholders(c.text)
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
		"${{", "${{ }", "${{}}", "${{ a }}", "${{ a.b }}", "${{ a.outputs }}", "${{ a.outputs. }}", "${{ .outputs.b }}",
		"${{ a.output.b }}", "${{ a.b.outputs.c }}", "${{ store }}", "${{ store. }}", "${{ store.a.b }}", "${{ Store.k }}",
		"${{ a.outputs.b ${{ c.outputs.d }}", "x ${{ a.outputs.b }} ${{",
		strings.Repeat("${{ a.outputs.b }}", statemanager.MaxPlaceholders+1),
	} {
		if got, err := statemanager.ParsePlaceholders(text); err == nil {
			t.Errorf("%.60q is taken: %q", text, got)
		} else if len(err.Error()) > 1024 {
			t.Errorf("%.60q: the error has %d bytes", text, len(err.Error()))
		}
	}
}

// What is parsed, written anew, parses to the same.
func FuzzParsePlaceholders(f *testing.F) {
	for _, s := range []string{"", "a", "${{a.outputs.b}}", "x ${{ store.k }} y", "${{ a", "${{}}", "}} ${{", "${{ a.outputs.b }}}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pieces, err := statemanager.ParsePlaceholders(text)
		if err != nil {
			return
		}
		var anew strings.Builder
		placeholders := 0
		for _, p := range pieces {
			switch {
			case p.Field == "":
				anew.WriteString(p.Text)
				continue
			case p.Identifier == "":
				anew.WriteString("${{ store." + p.Field + " }}")
			default:
				anew.WriteString("${{ " + p.Identifier + ".outputs." + p.Field + " }}")
			}
			placeholders++
		}
		if want := strings.Count(text, "${{"); placeholders != want {
			t.Errorf("%q has %d placeholders, want %d", text, placeholders, want)
		}
		again, err := statemanager.ParsePlaceholders(anew.String())
		if diff := cmp.Diff(pieces, again); err != nil || diff != "" {
			t.Errorf("%q, written anew %q: %v\n%s", text, anew.String(), err, diff)
		}
	})
}
