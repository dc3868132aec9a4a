package jsontext

import "fmt"

// A Problem is what is wrong with a text.
type Problem string

// Problems, in the words of [SyntaxError].
const (
	WantValue    Problem = "want a value"
	WantName     Problem = "want a name in double quotes"
	WantColon    Problem = "want a colon"
	WantElement  Problem = "want a comma or the end of the array"
	WantMember   Problem = "want a comma or the end of the object"
	WantEnd      Problem = "want nothing after the value"
	Unterminated Problem = "string without an end" // the offset is that of its beginning
	Control      Problem = "control character in a string"
	BadEscape    Problem = "not an escape"
	BadUnicode   Problem = `not four hexadecimal digits after \u`
	TooDeep      Problem = "nested too deep"
)

// A SyntaxError says where a text stops being JSON. It never shows the text,
// which may be secret.
type SyntaxError struct {
	Offset  int // in bytes
	Problem Problem
}

// Error says what is wrong, and where.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("malformed JSON at byte %d: %s", e.Offset, e.Problem)
}

// A KindError says that a text is not an object.
type KindError struct {
	Got string // such as "an array"
}

// Error says what was wanted, and what was there.
func (e *KindError) Error() string { return "want a JSON object, got " + e.Got }

// Describe says what a value that begins with c is, such as "a number".
func Describe(c byte) string {
	switch c {
	case 0:
		return "nothing"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	}
	if c == '-' || isDigit(c) {
		return "a number"
	}
	return "a malformed value"
}
