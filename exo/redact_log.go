package exo

import (
	"cmp"
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// redactingCore is a zap core that replaces secrets before anything is encoded.
type redactingCore struct {
	zapcore.Core
	redact *redactor
}

func (c *redactingCore) With(fields []zapcore.Field) zapcore.Core {
	return &redactingCore{Core: c.Core.With(c.redact.fields(fields)), redact: c.redact}
}

// Check lets the inner core decide whether and where an entry is written.
func (c *redactingCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if inner := c.Core.Check(e, nil); inner != nil {
		return ce.AddCore(e, &redactingWriter{Core: c.Core, redact: c.redact, inner: inner})
	}
	return ce
}

// redactingWriter is the core of one entry that the inner core has accepted.
type redactingWriter struct {
	zapcore.Core
	redact *redactor
	inner  *zapcore.CheckedEntry
}

func (w *redactingWriter) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Message = w.redact.text(e.Message)
	e.Stack = w.redact.text(e.Stack)
	w.inner.Entry = e
	w.inner.Write(w.redact.fields(fields)...)
	return nil
}

// fields replaces secrets in strings, and formats now whatever would be encoded
// later.
func (r *redactor) fields(fields []zapcore.Field) []zapcore.Field {
	out := make([]zapcore.Field, len(fields))
	for i, f := range fields {
		switch f.Type {
		case zapcore.StringType:
			f.String = r.text(f.String)
		case zapcore.ErrorType:
			f = zap.String(f.Key, r.text(fmt.Sprint(f.Interface)))
		case zapcore.ByteStringType, zapcore.BinaryType:
			if b, ok := f.Interface.([]byte); ok {
				f = zap.String(f.Key, r.text(string(b)))
			}
		case zapcore.StringerType:
			f = zap.String(f.Key, r.text(fmt.Sprint(f.Interface)))
		case zapcore.ReflectType, zapcore.ObjectMarshalerType, zapcore.ArrayMarshalerType, zapcore.InlineMarshalerType:
			f = r.encoded(f)
		default: // numbers, times, booleans, namespaces cannot hold a secret
		}
		out[i] = f
	}
	return out
}

// encoded returns a structured field as redacted text, or unchanged if no
// encoder would show a secret. Values behind pointers appear only in JSON;
// values that JSON leaves out appear in other encodings.
func (r *redactor) encoded(f zapcore.Field) zapcore.Field {
	values := zapcore.NewMapObjectEncoder()
	f.AddTo(values)
	plain := fmt.Sprintf("%+v", values.Fields)
	inJSON := ""
	if text, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{SkipLineEnding: true}).EncodeEntry(zapcore.Entry{}, []zapcore.Field{f}); err == nil {
		inJSON = text.String()
		text.Free()
	}
	if clean := r.text(inJSON); clean != inJSON {
		return zap.String(cmp.Or(f.Key, "fields"), clean)
	}
	if clean := r.text(plain); clean != plain {
		return zap.String(cmp.Or(f.Key, "fields"), clean)
	}
	return f
}
