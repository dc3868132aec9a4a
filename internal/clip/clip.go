// Package clip bounds what messages repeat of a caller's input.
package clip

import "unicode/utf8"

// Text is s, or its beginning if it is long.
func Text(s string) string { return To(s, 200) }

// To is s, or its beginning and "…" if it is longer than limit bytes. No
// character is split.
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
