package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// maxDepth is how deep values may nest; encoding/json has the same limit.
const maxDepth = 10000

// A cursor reads a JSON text from front to back, without allocating. It reads
// the answers of which there are many: to claims and to reports. What it passes
// over it checks, so that the raw values it gives are JSON.
type cursor struct {
	text []byte
	pos  int
}

var errNotObject = errors.New("want a JSON object")

func (c *cursor) malformed(want string) error {
	return fmt.Errorf("malformed JSON at byte %d: want %s", c.pos, want)
}

// peek skips white space and gives the byte at hand: 0 at the end.
func (c *cursor) peek() byte {
	for c.pos < len(c.text) {
		switch b := c.text[c.pos]; b {
		case ' ', '\t', '\r', '\n':
			c.pos++
		default:
			return b
		}
	}
	return 0
}

// accept steps over b, if it is at hand.
func (c *cursor) accept(b byte) bool {
	if c.peek() != b {
		return false
	}
	c.pos++
	return true
}

// document reads a text that is one object and nothing else.
func (c *cursor) document(member func(name []byte) error) error {
	if c.peek() != '{' {
		return errNotObject
	}
	if err := c.object(member); err != nil {
		return err
	}
	if c.peek(); c.pos < len(c.text) {
		return c.malformed("nothing after the object")
	}
	return nil
}

// checkObject is an error if raw is not one JSON object and nothing else.
func checkObject(raw []byte) error {
	c := cursor{text: raw}
	return c.document(func([]byte) error { return c.skip(0) })
}

// object reads the object at hand. member must read or skip the value of each
// name, which is given without its quotes and with its escapes.
func (c *cursor) object(member func(name []byte) error) error {
	if !c.accept('{') {
		return c.malformed("an object")
	}
	if c.accept('}') {
		return nil
	}
	for {
		c.peek()
		name, err := c.quoted()
		if err != nil {
			return err
		}
		if !c.accept(':') {
			return c.malformed("a colon")
		}
		if err := member(name); err != nil {
			return err
		}
		if c.accept('}') {
			return nil
		}
		if !c.accept(',') {
			return c.malformed("a comma or the end of the object")
		}
	}
}

// array reads the array at hand. element must read or skip each element.
func (c *cursor) array(element func() error) error {
	if !c.accept('[') {
		return c.malformed("an array")
	}
	if c.accept(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if c.accept(']') {
			return nil
		}
		if !c.accept(',') {
			return c.malformed("a comma or the end of the array")
		}
	}
}

// value steps over the value at hand and gives it as it stands.
func (c *cursor) value() ([]byte, error) {
	c.peek()
	start := c.pos
	err := c.skip(0)
	return c.text[start:c.pos], err
}

func (c *cursor) skip(depth int) error {
	switch b := c.peek(); {
	case (b == '{' || b == '[') && depth == maxDepth:
		return c.malformed("less nesting")
	case b == '{':
		return c.object(func([]byte) error { return c.skip(depth + 1) })
	case b == '[':
		return c.array(func() error { return c.skip(depth + 1) })
	case b == '"':
		_, err := c.quoted()
		return err
	case b == '-' || isDigit(b):
		return c.number()
	case b == 't':
		return c.literal("true")
	case b == 'f':
		return c.literal("false")
	case b == 'n':
		return c.literal("null")
	}
	return c.malformed("a value")
}

func (c *cursor) literal(word string) error {
	if end := c.pos + len(word); end <= len(c.text) && string(c.text[c.pos:end]) == word {
		c.pos = end
		return nil
	}
	return c.malformed(word)
}

// quoted reads the string at hand and gives what is between its quotes.
func (c *cursor) quoted() ([]byte, error) {
	if c.pos >= len(c.text) || c.text[c.pos] != '"' {
		return nil, c.malformed("a string")
	}
	text, start := c.text, c.pos+1
	for i := start; i < len(text); i++ {
		switch b := text[i]; {
		case b == '"':
			c.pos = i + 1
			return text[start:i], nil
		case b < ' ':
			c.pos = i
			return nil, c.malformed("no control character in a string")
		case b == '\\':
			c.pos = i + 1
			if err := c.escape(); err != nil {
				return nil, err
			}
			i = c.pos
		}
	}
	c.pos = len(text)
	return nil, c.malformed("the end of the string")
}

// escape checks an escape from what follows its backslash to its last byte.
func (c *cursor) escape() error {
	if c.pos >= len(c.text) {
		return c.malformed("an escape")
	}
	switch c.text[c.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			if c.pos++; c.pos >= len(c.text) || !isHex(c.text[c.pos]) {
				return c.malformed("four hex digits")
			}
		}
		return nil
	}
	return c.malformed("an escape")
}

func (c *cursor) number() error {
	c.acceptNext('-')
	if !c.acceptNext('0') && !c.digits() {
		return c.malformed("a digit")
	}
	if c.acceptNext('.') && !c.digits() {
		return c.malformed("a digit")
	}
	if c.acceptNext('e') || c.acceptNext('E') {
		if !c.acceptNext('+') {
			c.acceptNext('-')
		}
		if !c.digits() {
			return c.malformed("a digit")
		}
	}
	return nil
}

// acceptNext is accept without white space before.
func (c *cursor) acceptNext(b byte) bool {
	if c.pos < len(c.text) && c.text[c.pos] == b {
		c.pos++
		return true
	}
	return false
}

// digits steps over digits, and reports whether there were any.
func (c *cursor) digits() bool {
	start := c.pos
	for c.pos < len(c.text) && isDigit(c.text[c.pos]) {
		c.pos++
	}
	return c.pos > start
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isHex(b byte) bool { return isDigit(b) || 'a' <= b|0x20 && b|0x20 <= 'f' }

// text decodes the JSON string raw. It is like, without allocating, if it says
// the same. What is no string is "".
func text(raw []byte, like string) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	inside := raw[1 : len(raw)-1]
	if string(inside) == like {
		return like
	}
	for _, b := range inside {
		if b == '\\' || b >= 0x80 {
			var s string
			_ = json.Unmarshal(raw, &s) // it is a string
			return s
		}
	}
	return string(inside)
}

// integer decodes the JSON number raw. What is no integer is 0.
func integer(raw []byte) int64 {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
