package wire

import (
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind is what a member of an object holds.
type Kind uint8

const (
	String Kind = iota // a JSON string
	Null               // null
	Other              // a number, a boolean, an object or an array
)

// maxDepth is how deep values may nest, the object around them included. It is
// encoding/json's own limit.
const maxDepth = 10000

// Scan calls fn for every member of the JSON object src, in order. val is the
// decoded string of a [String], "" for [Null], and the raw JSON text of an
// [Other], which is known to be valid. A name that occurs more than once is
// reported each time; by the custom of JSON the last should win.
//
// Strings decode as they do in encoding/json: what is not UTF-8, and surrogates
// without their half, become U+FFFD. Keys and values without escapes are slices
// of src.
//
// An src that is not a JSON object, null included, is an error, which says
// where but never what. fn's error ends the scan and is returned as it is. fn
// may have been called for the members before a mistake.
func Scan(src string, fn func(key string, kind Kind, val string) error) error {
	s := scanner[string]{src: src}
	for {
		m, ok, err := s.next()
		if err != nil || !ok {
			return err
		}
		var val string
		switch m.kind {
		case String:
			val = text(src, m.val)
		case Other:
			val = src[m.val.start:m.val.end]
		case Null:
		}
		if err := fn(text(src, m.key), m.kind, val); err != nil {
			return err
		}
	}
}

// text is the decoded string at sp.
func text(src string, sp span) string {
	s := src[sp.start:sp.end]
	if sp.plain {
		return s
	}
	var small [256]byte // so that most strings need no second allocation
	dst := small[:0]
	if len(s) > len(small) {
		dst = make([]byte, 0, len(s))
	}
	return string(unescape(dst, s))
}

// A span is a part of the source.
type span struct {
	start, end int
	plain      bool // a string that needs no decoding
}

// A member is one name and its value. The spans of strings leave out the quotes.
type member struct {
	key, val span
	kind     Kind
}

// A scanner walks the members of one JSON object, given as string or bytes.
type scanner[S string | []byte] struct {
	src     S
	pos     int
	started bool
}

// next is the next member. It reports false at the end of the object, once it
// has seen that nothing follows.
func (s *scanner[S]) next() (m member, ok bool, err error) {
	s.space()
	if !s.started {
		s.started = true
		if s.peek() != '{' {
			return m, false, s.notObject()
		}
		s.pos++
		s.space()
		if s.peek() == '}' {
			return m, false, s.end()
		}
	} else {
		switch s.peek() {
		case '}':
			return m, false, s.end()
		case ',':
			s.pos++
			s.space()
		default:
			return m, false, s.malformed("want a comma or the end of the object")
		}
	}
	if s.peek() != '"' {
		return m, false, s.malformed("want a name in double quotes")
	}
	if m.key, err = s.quoted(); err != nil {
		return m, false, err
	}
	s.space()
	if s.peek() != ':' {
		return m, false, s.malformed("want a colon")
	}
	s.pos++
	s.space()
	if s.peek() == '"' {
		m.kind = String
		m.val, err = s.quoted()
		return m, err == nil, err
	}
	m.val, m.kind, err = s.value()
	return m, err == nil, err
}

// peek is the byte at hand, or 0 at the end, which no JSON text holds.
func (s *scanner[S]) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *scanner[S]) space() {
	for s.pos < len(s.src) && isSpace(s.src[s.pos]) {
		s.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// end checks that only white space follows the object.
func (s *scanner[S]) end() error {
	s.pos++
	s.space()
	if s.pos < len(s.src) {
		return s.malformed("want nothing after the object")
	}
	return nil
}

// verbatim holds the bytes that stand for themselves in a JSON string: ASCII but
// for quotes, backslashes and control characters.
var verbatim = func() (set [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		set[c] = c != '"' && c != '\\'
	}
	return set
}()

// quoted reads the string that begins at hand. Its escapes are checked here, so
// that unescape cannot meet a wrong one.
func (s *scanner[S]) quoted() (span, error) {
	src, i := s.src, s.pos+1
	sp := span{start: i, plain: true}
	for i < len(src) {
		c := src[i]
		if verbatim[c] {
			i++
			continue
		}
		switch {
		case c == '"':
			sp.end = i
			s.pos = i + 1
			return sp, nil
		case c == '\\':
			sp.plain = false
			n := escape(src, i)
			if n == 0 {
				s.pos = i
				return span{}, s.malformed("not an escape")
			}
			i += n
			continue
		case c < ' ':
			s.pos = i
			return span{}, s.malformed("control character in a string")
		case c >= utf8.RuneSelf && sp.plain:
			if r, n := decodeRune(src, i); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			sp.plain = false
		}
		i++
	}
	s.pos = i
	return span{}, s.malformed("string without an end")
}

// escape is the length of the escape at src[i], 0 if it is none.
func escape[S string | []byte](src S, i int) int {
	if i+1 >= len(src) {
		return 0
	}
	switch src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(src, i+2); ok {
			return 6
		}
	}
	return 0
}

// value reads the value at hand, which is no string. It finds where the value
// must end if it is one, and leaves it to encoding/json to say whether it is.
func (s *scanner[S]) value() (span, Kind, error) {
	sp := span{start: s.pos}
	depth := 1
scan:
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return sp, Other, s.malformed("nested too deep")
			}
		case '}', ']':
			if depth == 1 {
				break scan
			}
			if depth--; depth == 1 {
				s.pos++
				break scan
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 1 {
				break scan
			}
		case '"':
			if _, err := s.quoted(); err != nil {
				return sp, Other, err
			}
			continue
		}
		s.pos++
	}
	sp.end = s.pos
	if string(s.src[sp.start:sp.end]) == "null" {
		return sp, Null, nil
	}
	if !json.Valid([]byte(s.src[sp.start:sp.end])) {
		s.pos = sp.start
		return sp, Other, s.malformed("want a value")
	}
	return sp, Other, nil
}

func (s *scanner[S]) malformed(what string) error {
	return fmt.Errorf("malformed JSON at byte %d: %s", s.pos, what)
}

func (s *scanner[S]) notObject() error {
	what := "a malformed value"
	switch c := s.peek(); {
	case s.pos >= len(s.src):
		what = "nothing"
	case c == '[':
		what = "an array"
	case c == '"':
		what = "a string"
	case c == 'n':
		what = "null"
	case c == 't', c == 'f':
		what = "a boolean"
	case c == '-', c >= '0' && c <= '9':
		what = "a number"
	}
	return fmt.Errorf("want a JSON object, got %s", what)
}

// unescape appends the string that s, the inside of a JSON string, stands for.
func unescape[S string | []byte](dst []byte, s S) []byte {
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

// decodeRune is the rune at s[i], as utf8.DecodeRune gives it.
func decodeRune[S string | []byte](s S, i int) (rune, int) {
	var b [utf8.UTFMax]byte
	n := copy(b[:], s[i:])
	return utf8.DecodeRune(b[:n])
}

// hex4 is the value of the four hexadecimal digits at s[i].
func hex4[S string | []byte](s S, i int) (rune, bool) {
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
