package exo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const redacted = "[REDACTED]"

// A redactor replaces the values of secrets in text that leaves the runtime.
// A nil redactor knows none and changes nothing.
type redactor struct{ replacer *strings.Replacer }

func newRedactor(secrets transport.Secrets) *redactor {
	values := make([]string, 0, len(secrets))
	for _, v := range secrets {
		if v != "" {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return nil
	}
	// The replacer takes the first that matches: the longest must come first,
	// so that a secret which begins with another is hidden whole.
	slices.SortFunc(values, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	pairs := make([]string, 0, 2*len(values))
	for _, v := range slices.Compact(values) {
		pairs = append(pairs, v, redacted)
	}
	return &redactor{replacer: strings.NewReplacer(pairs...)}
}

func (r *redactor) text(s string) string {
	if r == nil {
		return s
	}
	return r.replacer.Replace(s)
}

// logger is l with the secrets replaced in its messages and fields.
func (r *redactor) logger(l *zap.Logger) *zap.Logger {
	if r == nil {
		return l
	}
	return l.WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core {
		return &redactingCore{Core: c, redact: r}
	}))
}

// redactingCore is a zap core that replaces secrets before anything is encoded.
type redactingCore struct {
	zapcore.Core
	redact *redactor
}

func (c *redactingCore) With(fields []zapcore.Field) zapcore.Core {
	return &redactingCore{Core: c.Core.With(c.fields(fields)), redact: c.redact}
}

func (c *redactingCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c *redactingCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Message = c.redact.text(e.Message)
	e.Stack = c.redact.text(e.Stack)
	return c.Core.Write(e, c.fields(fields))
}

// fields replaces secrets in strings, and turns what would be encoded later,
// out of sight, into text now.
func (c *redactingCore) fields(fields []zapcore.Field) []zapcore.Field {
	out := make([]zapcore.Field, len(fields))
	for i, f := range fields {
		switch f.Type {
		case zapcore.StringType:
			f.String = c.redact.text(f.String)
		case zapcore.ErrorType:
			if err, ok := f.Interface.(error); ok {
				f = zap.String(f.Key, c.redact.text(err.Error()))
			}
		case zapcore.ByteStringType, zapcore.BinaryType:
			if b, ok := f.Interface.([]byte); ok {
				f = zap.String(f.Key, c.redact.text(string(b)))
			}
		case zapcore.StringerType:
			f = zap.String(f.Key, c.redact.text(fmt.Sprint(f.Interface)))
		case zapcore.ReflectType, zapcore.ObjectMarshalerType, zapcore.ArrayMarshalerType, zapcore.InlineMarshalerType:
			f = c.encoded(f)
		default: // numbers, times, booleans, namespaces: no room for a secret
		}
		out[i] = f
	}
	return out
}

// encoded is a structured field as redacted text, or unchanged if it holds no
// secret.
func (c *redactingCore) encoded(f zapcore.Field) zapcore.Field {
	enc := zapcore.NewMapObjectEncoder()
	f.AddTo(enc)
	plain := fmt.Sprint(enc.Fields)
	if clean := c.redact.text(plain); clean != plain {
		return zap.String(cmp.Or(f.Key, "fields"), clean)
	}
	return f
}
