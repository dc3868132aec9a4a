package clip_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/exospherehost/exo-go/internal/clip"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, short := range []string{"", "short", strings.Repeat("x", 200)} {
		if got := clip.Text(short); got != short {
			t.Errorf("%q became %q", short, got)
		}
	}
	for _, long := range []string{strings.Repeat("x", 201), strings.Repeat("é", 200), "a" + strings.Repeat("é", 200), strings.Repeat("😀", 51)} {
		got := clip.Text(long)
		kept, ok := strings.CutSuffix(got, "…")
		if !ok || !strings.HasPrefix(long, kept) || len(kept) < 190 || len(got) > 200 || !utf8.ValidString(got) {
			t.Errorf("%q became %q of %d bytes", long, got, len(got))
		}
	}
}

// Bytes that are no characters are cut all the same.
func TestToOfBytes(t *testing.T) {
	t.Parallel()
	if got := clip.To("ab\xff\xff\xff\xff\xff\xff", 6); got != "ab…" {
		t.Errorf("got %q", got)
	}
}
