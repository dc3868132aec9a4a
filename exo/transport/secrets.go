package transport

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// Secrets holds secret values by name. fmt, slog, zap and encoding/json print
// only the names.
type Secrets map[string]string

// Names returns the names, sorted.
func (s Secrets) Names() []string { return slices.Sorted(maps.Keys(s)) }

const redacted = "[REDACTED]"

func (s Secrets) redacted() map[string]string {
	if s == nil {
		return nil
	}
	shown := make(map[string]string, len(s))
	for name := range s {
		shown[name] = redacted
	}
	return shown
}

// String lists the names, with [REDACTED] in place of the values.
func (s Secrets) String() string {
	var b strings.Builder
	b.WriteString("secrets[")
	for i, name := range s.Names() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(name + ":" + redacted)
	}
	b.WriteByte(']')
	return b.String()
}

// Format prints the result of String for every verb.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalJSON writes the names, with [REDACTED] in place of the values.
func (s Secrets) MarshalJSON() ([]byte, error) { return json.Marshal(s.redacted()) }

// LogValue implements [slog.LogValuer]. It does not show the values.
func (s Secrets) LogValue() slog.Value { return slog.StringValue(s.String()) }
