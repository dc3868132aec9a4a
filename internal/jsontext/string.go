package jsontext

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// verbatim holds the bytes that need no escape in a JSON string: ASCII except
// quotes, backslashes and control characters.
var verbatim = func() (set [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		set[c] = c != '"' && c != '\\'
	}
	return set
}()

// String reads a string; Peek must have returned its quote.
func (s *Scanner[T]) String() (Span, error) {
	start := s.pos + 1
	form, err := s.quoted()
	if err != nil {
		return Span{}, err
	}
	end := s.pos - 1
	return Span{start, end, form == ascii || form == wide && validUTF8(s.src[start:end])}, nil
}

// form is what the scanner knows about the contents of a string.
type form uint8

const (
	ascii   form = iota
	wide         // has bytes beyond ASCII
	escaped      // has escapes
)

// quoted skips a string and validates its escapes, so that Unescape cannot meet
// an invalid one.
func (s *Scanner[T]) quoted() (f form, err error) {
	src, start := s.src, s.pos
	for i := start + 1; i < len(src); {
		c := src[i]
		if verbatim[c] {
			i++
			continue
		}
		switch {
		case c == '"':
			s.pos = i + 1
			return f, nil
		case c >= utf8.RuneSelf:
			f = max(f, wide)
			i++
		case c < ' ':
			return f, s.fail(i, Control)
		case i+1 == len(src):
			return f, s.fail(start, Unterminated)
		default:
			f = escaped
			switch src[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if _, ok := hex4(src, i+2); !ok {
					return f, s.fail(i, BadUnicode)
				}
				i += 6
			default:
				return f, s.fail(i, BadEscape)
			}
		}
	}
	return f, s.fail(start, Unterminated)
}

// Text returns the decoded string at sp. If the source is a string and sp is
// plain, the result shares its memory.
func (s *Scanner[T]) Text(sp Span) string {
	inside := s.src[sp.Start:sp.End]
	if sp.Plain {
		return string(inside)
	}
	var small [256]byte // saves most strings a second allocation
	dst := small[:0]
	if len(inside) > len(small) {
		dst = make([]byte, 0, len(inside))
	}
	return string(Unescape(dst, inside))
}

// Unescape appends the decoded form of s, the validated inside of a JSON
// string, to dst.
func Unescape[T Text](dst []byte, s T) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if verbatim[c] {
			i++
			continue
		}
		if c != '\\' {
			r, n := decodeRune(s, i)
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, s[start:i]...)
				dst = utf8.AppendRune(dst, utf8.RuneError)
				start = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		i += 2
		switch c := s[i-1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(s, i)
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(unicode.ReplacementChar)
				if i+1 < len(s) && s[i] == '\\' && s[i+1] == 'u' {
					low, _ = hex4(s, i+2)
				}
				if r = utf16.DecodeRune(r, low); r != unicode.ReplacementChar {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c) // ", \ and /
		}
		start = i
	}
	return append(dst, s[start:]...)
}

func validUTF8[T Text](s T) bool {
	switch v := any(s).(type) {
	case string:
		return utf8.ValidString(v)
	case []byte:
		return utf8.Valid(v)
	}
	return false
}

// decodeRune decodes the rune at s[i] like utf8.DecodeRune.
func decodeRune[T Text](s T, i int) (rune, int) {
	var b [utf8.UTFMax]byte
	n := copy(b[:], s[i:])
	return utf8.DecodeRune(b[:n])
}

// hex4 returns the value of the four hexadecimal digits at s[i].
func hex4[T Text](s T, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	var r rune
	for j := i; j < i+4; j++ {
		c := s[j]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
