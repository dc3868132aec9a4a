package node

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a string that does not show: fmt, zap, slog and encoding/json all
// print [REDACTED]. A node still gets it in plain text, and it travels in plain text: the
// codec of nodes knows it by its method Reveal.
//
// Give it a field of its own, and an exported one: inside of a [Val] it is
// [REDACTED] as well, and from fmt no type can hide unexported fields.
type Secret string

const redacted = "[REDACTED]"

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String is [REDACTED].
func (Secret) String() string { return redacted }

// GoString is [REDACTED].
func (Secret) GoString() string { return redacted }

// Format prints [REDACTED], whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON is "[REDACTED]". The codec of nodes does not ask it.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText is [REDACTED].
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue is what slog shows.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
