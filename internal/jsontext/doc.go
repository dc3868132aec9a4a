// Package jsontext reads and writes JSON (RFC 8259) as text: no reflection, and
// no allocation but for strings that hold escapes.
//
// It takes and refuses what encoding/json does. Where an object has a name
// twice, both members are reported and the later one counts. Strings decode as
// they do in encoding/json: what is not UTF-8, and a surrogate without its half,
// become U+FFFD.
package jsontext
