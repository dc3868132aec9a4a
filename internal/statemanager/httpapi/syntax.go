package httpapi

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/exospherehost/exo-go/internal/wire"
)

// maxNesting is how deep the values of a body may nest. It is far beyond any
// body of the protocol, and keeps a hostile one from deep recursion.
const maxNesting = 1000

// syntaxError says where src stops being JSON, in characters, and why, in the
// words that clients of the reference server know. msg is empty if src is JSON.
func syntaxError(src string) (at int, msg string) {
	c := checker{src: src}
	c.space()
	if c.value(0) {
		c.space()
		if c.pos == len(src) {
			return 0, ""
		}
		c.fail(c.pos, "Extra data")
	}
	return utf8.RuneCountInString(src[:c.at]), c.msg
}

// A checker walks JSON text once. Its methods report whether all is well so
// far; the first mistake is kept.
type checker struct {
	src string
	pos int
	at  int
	msg string
}

func (c *checker) fail(at int, msg string) bool {
	c.at, c.msg = at, msg
	return false
}

// peek is the byte at hand, or 0 at the end, which no JSON text holds outside
// of a mistake.
func (c *checker) peek() byte {
	if c.pos < len(c.src) {
		return c.src[c.pos]
	}
	return 0
}

func (c *checker) space() { c.pos = skipSpace(c.src, c.pos) }

func (c *checker) value(depth int) bool {
	if depth > maxNesting {
		return c.fail(c.pos, "Nested too deep")
	}
	switch b := c.peek(); b {
	case '{':
		return c.object(depth)
	case '[':
		return c.array(depth)
	case '"':
		return c.text()
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	default:
		return c.number()
	}
}

func (c *checker) object(depth int) bool {
	c.pos++
	c.space()
	if c.peek() == '}' {
		c.pos++
		return true
	}
	for {
		if c.peek() != '"' {
			return c.fail(c.pos, "Expecting property name enclosed in double quotes")
		}
		if !c.text() {
			return false
		}
		c.space()
		if c.peek() != ':' {
			return c.fail(c.pos, "Expecting ':' delimiter")
		}
		c.pos++
		c.space()
		if !c.value(depth + 1) {
			return false
		}
		c.space()
		switch c.peek() {
		case '}':
			c.pos++
			return true
		case ',':
			c.pos++
			c.space()
		default:
			return c.fail(c.pos, "Expecting ',' delimiter")
		}
	}
}

func (c *checker) array(depth int) bool {
	c.pos++
	c.space()
	if c.peek() == ']' {
		c.pos++
		return true
	}
	for {
		if !c.value(depth + 1) {
			return false
		}
		c.space()
		switch c.peek() {
		case ']':
			c.pos++
			return true
		case ',':
			c.pos++
			c.space()
		default:
			return c.fail(c.pos, "Expecting ',' delimiter")
		}
	}
}

func (c *checker) text() bool {
	start := c.pos
	for c.pos++; c.pos < len(c.src); c.pos++ {
		switch b := c.src[c.pos]; {
		case b == '"':
			c.pos++
			return true
		case b < ' ':
			return c.fail(c.pos, "Invalid control character at")
		case b == '\\':
			if c.pos+1 == len(c.src) {
				return c.fail(start, "Unterminated string starting at")
			}
			c.pos++
			switch c.src[c.pos] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if !hex4(c.src[c.pos+1:]) {
					return c.fail(c.pos, "Invalid \\uXXXX escape")
				}
				c.pos += 4
			default:
				return c.fail(c.pos-1, "Invalid \\escape")
			}
		}
	}
	return c.fail(start, "Unterminated string starting at")
}

func hex4(s string) bool {
	if len(s) < 4 {
		return false
	}
	for i := range 4 {
		switch b := s[i]; {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'f', b >= 'A' && b <= 'F':
		default:
			return false
		}
	}
	return true
}

func (c *checker) literal(word string) bool {
	if !strings.HasPrefix(c.src[c.pos:], word) {
		return c.fail(c.pos, "Expecting value")
	}
	c.pos += len(word)
	return true
}

// number takes the longest number at hand; what follows it is for the caller
// to mind.
func (c *checker) number() bool {
	start := c.pos
	if c.peek() == '-' {
		c.pos++
	}
	switch b := c.peek(); {
	case b == '0':
		c.pos++
	case b >= '1' && b <= '9':
		c.digits()
	default:
		c.pos = start
		return c.fail(start, "Expecting value")
	}
	if whole := c.pos; c.peek() == '.' {
		c.pos++
		if !c.digits() {
			c.pos = whole
			return true
		}
	}
	if mantissa := c.pos; c.peek() == 'e' || c.peek() == 'E' {
		c.pos++
		if c.peek() == '+' || c.peek() == '-' {
			c.pos++
		}
		if !c.digits() {
			c.pos = mantissa
		}
	}
	return true
}

func (c *checker) digits() bool {
	start := c.pos
	for c.peek() >= '0' && c.peek() <= '9' {
		c.pos++
	}
	return c.pos > start
}

// What follows walks text that syntaxError has found to be JSON.

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// skipText gives the end of the string that begins at s[i].
func skipText(s string, i int) int {
	for i++; s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue gives the end of the value that begins at s[i].
func skipValue(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			i = skipText(s, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of what the value stands in
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

// members calls fn for every member of an object, in order, with the value as
// it is written.
func members(object string, fn func(name, value string)) {
	for i := skipSpace(object, 1); object[i] != '}'; {
		end := skipText(object, i)
		name := object[i:end]
		i = skipSpace(object, end) // the colon
		i = skipSpace(object, i+1) // the value
		end = skipValue(object, i) // its end
		fn(unquote(name), object[i:end])
		if i = skipSpace(object, end); object[i] == ',' {
			i = skipSpace(object, i+1)
		}
	}
}

// elements calls fn for every element of an array, as it is written.
func elements(array string, fn func(value string)) {
	for i := skipSpace(array, 1); array[i] != ']'; {
		end := skipValue(array, i)
		fn(array[i:end])
		if i = skipSpace(array, end); array[i] == ',' {
			i = skipSpace(array, i+1)
		}
	}
}

// unquote gives what a JSON string stands for. Without escapes it is a part of
// quoted.
func unquote(quoted string) string {
	inside := quoted[1 : len(quoted)-1]
	if strings.IndexByte(inside, '\\') < 0 {
		return inside
	}
	var s string
	_ = json.Unmarshal([]byte(quoted), &s) // which is known to be a JSON string
	return s
}

// quote writes s as a JSON string.
func quote(s string) string { return string(wire.AppendString(nil, s)) }
