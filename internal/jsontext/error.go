package jsontext

import "fmt"

// A Problem says what is wrong with a text.
type Problem string

// The problems that a [SyntaxError] reports.
const (
	WantValue    Problem = "want a value"
	WantName     Problem = "want a name in double quotes"
	WantColon    Problem = "want a colon"
	WantElement  Problem = "want a comma or the end of the array"
	WantMember   Problem = "want a comma or the end of the object"
	WantEnd      Problem = "want nothing after the value"
	Unterminated Problem = "unterminated string" // the offset is that of the opening quote
	Control      Problem = "control character in a string"
	BadEscape    Problem = "invalid escape"
	BadUnicode   Problem = `want four hexadecimal digits after \u`
	TooDeep      Problem = "nested too deep"
)

// A SyntaxError reports where a text stops being JSON. It never contains the
// text, which may be secret.
type SyntaxError struct {
	Offset  int // in bytes
	Problem Problem
}

// Error returns the problem and its offset.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("malformed JSON at byte %d: %s", e.Offset, e.Problem)
}

// A KindError reports a text that is not a JSON object.
type KindError struct {
	Got string // such as "an array"
}

// Error returns what was wanted and what was found.
func (e *KindError) Error() string { return "want a JSON object, got " + e.Got }

// Describe names the kind of a value from its first byte, such as "a number".
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
