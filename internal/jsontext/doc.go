// Package jsontext reads and writes JSON text (RFC 8259) without reflection. It
// allocates only for strings that contain escapes.
//
// It accepts and rejects the same texts as encoding/json. If an object repeats
// a name, every member is reported, and callers let the last one win. Strings
// decode as in encoding/json: invalid UTF-8 and unpaired surrogates become
// U+FFFD.
package jsontext
