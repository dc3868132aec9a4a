package exotest

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLineDiff(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ want, got, diff string }{
		"same":    {"a b c", "a b c", "…"},
		"changed": {"a b c d e f g", "a b c X e f g", "…|  b|  c|- d|+ X|  e|  f|…"},
		"added":   {"a b", "a b c", "  a|  b|+ c"},
		"removed": {"a b c", "b c", "- a|  b|  c"},
		"moved":   {"a b c d", "b c d a", "- a|  b|  c|  d|+ a"},
		"all":     {"a b", "c d", "- a|- b|+ c|+ d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			split := func(s string) string { return strings.ReplaceAll(s, " ", "\n") }
			got := strings.ReplaceAll(strings.ReplaceAll(lineDiff(split(test.want), split(test.got)), "\n", "|"), "  …", "…")
			if got != test.diff {
				t.Errorf("%s, want %s", got, test.diff)
			}
		})
	}
}

// What a diff does not leave out gives both texts back, in short texts.
func TestLineDiffGivesBothTexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"a", "b", "c"})
		want := rapid.SliceOfN(word, 1, 12).Draw(t, "want")
		got := rapid.SliceOfN(word, 1, 12).Draw(t, "got")
		diff := lineDiff(strings.Join(want, "\n"), strings.Join(got, "\n"))
		if strings.Contains(diff, "…") {
			t.Skip()
		}
		side := func(mark string) (text []string) {
			for l := range strings.SplitSeq(diff, "\n") {
				if l[:1] == " " || l[:1] == mark {
					text = append(text, l[2:])
				}
			}
			return text
		}
		if !slices.Equal(side("-"), want) || !slices.Equal(side("+"), got) {
			t.Fatalf("%q and %q give:\n%s", want, got, diff)
		}
	})
}
