// Package clip shortens caller input that messages repeat.
package clip

import "unicode/utf8"

// Text returns s, cut to 200 bytes if it is longer.
func Text(s string) string { return To(s, 200) }

// To returns s, or its beginning followed by "…" if it is longer than limit
// bytes. It never splits a character.
func To(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const more = "…"
	s = s[:limit-len(more)]
	for len(s) > 0 {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + more
}
