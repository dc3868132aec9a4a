package exoslog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/exoslog"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// record is a handler that keeps the last record and the attributes before it.
type record struct {
	last *slog.Record
	with []slog.Attr
	min  slog.Level
}

func (r *record) Enabled(_ context.Context, l slog.Level) bool { return l >= r.min }

func (r *record) Handle(_ context.Context, rec slog.Record) error {
	*r.last = rec.Clone()
	return nil
}

func (r *record) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &record{last: r.last, with: append(slices.Clip(r.with), attrs...), min: r.min}
}

func (r *record) WithGroup(string) slog.Handler { panic("groups are attributes") }

type point struct{ x, y int }

func (p point) MarshalLogObject(o zapcore.ObjectEncoder) error {
	o.AddInt("y", p.y)
	o.AddInt("x", p.x)
	return nil
}

type broken struct{}

func (*broken) String() string { panic("no text") }

func TestFields(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("there", 3600)
	noon := time.Date(2026, 1, 2, 12, 0, 0, 5, zone)
	failure := fmt.Errorf("outer: %w", errors.New("inner"))
	for _, c := range []struct {
		field zap.Field
		want  slog.Value
	}{
		{zap.String("k", "text"), slog.StringValue("text")},
		{zap.Bool("k", true), slog.BoolValue(true)},
		{zap.Bool("k", false), slog.BoolValue(false)},
		{zap.Int("k", -7), slog.Int64Value(-7)},
		{zap.Int8("k", -8), slog.Int64Value(-8)},
		{zap.Uint64("k", 1<<63+1), slog.Uint64Value(1<<63 + 1)},
		{zap.Uint8("k", 255), slog.Uint64Value(255)},
		{zap.Float64("k", 0.1), slog.Float64Value(0.1)},
		{zap.Float32("k", 0.5), slog.Float64Value(0.5)},
		{zap.Duration("k", time.Minute), slog.DurationValue(time.Minute)},
		{zap.Time("k", noon), slog.TimeValue(noon)},
		{zap.Time("k", time.Time{}), slog.AnyValue(time.Time{})},
		{zap.ByteString("k", []byte("bytes")), slog.StringValue("bytes")},
		{zap.Complex128("k", 1+2i), slog.StringValue("(1+2i)")},
		{zap.Stringer("k", time.March), slog.StringValue("March")},
		{zap.NamedError("k", failure), slog.AnyValue(failure)},
		{zap.Object("k", point{1, 2}), slog.GroupValue(slog.Int("x", 1), slog.Int("y", 2))},
	} {
		var last slog.Record
		exoslog.New(&record{last: &last}).Info("m", c.field)
		var got []slog.Attr
		last.Attrs(func(a slog.Attr) bool { got = append(got, a); return true })
		if len(got) != 1 || got[0].Key != "k" || !equal(got[0].Value, c.want) {
			t.Errorf("%+v: got %v, want %v", c.field, got, c.want)
		}
	}
}

// equal is Equal, for zap.Object's ints as well, which come as values of any.
func equal(a, b slog.Value) bool {
	return a.Equal(b) && a.Kind() == b.Kind()
}

func TestLevels(t *testing.T) {
	t.Parallel()
	for l, want := range map[zapcore.Level]slog.Level{
		zap.DebugLevel:  slog.LevelDebug,
		zap.InfoLevel:   slog.LevelInfo,
		zap.WarnLevel:   slog.LevelWarn,
		zap.ErrorLevel:  slog.LevelError,
		zap.DPanicLevel: slog.LevelError + 4,
		zap.PanicLevel:  slog.LevelError + 8,
		zap.FatalLevel:  slog.LevelError + 12,
	} {
		var last slog.Record
		core := exoslog.NewCore(&record{last: &last, min: want})
		if !core.Enabled(l) || l > zap.DebugLevel && core.Enabled(l-1) {
			t.Errorf("%v: the handler does not decide what is enabled", l)
		}
		if core.Check(zapcore.Entry{Level: l - 1}, nil) != nil {
			t.Errorf("%v: accepted below its level", l-1)
		}
		if err := core.Write(zapcore.Entry{Level: l}, nil); err != nil || last.Level != want {
			t.Errorf("%v: level %v (error %v), want %v", l, last.Level, err, want)
		}
	}
}

// line is what a JSON handler writes for what f logs.
func line(t *testing.T, o *slog.HandlerOptions, f func(*zap.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	f(exoslog.New(slog.NewJSONHandler(&out, o)))
	var members map[string]any
	if err := json.Unmarshal(out.Bytes(), &members); err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	delete(members, "time")
	return members
}

func TestLogger(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	for _, c := range []struct {
		name string
		log  func(*zap.Logger)
		want object
	}{
		{
			"fields before and now",
			func(l *zap.Logger) { l.With(zap.Int("a", 1)).With(zap.Int("b", 2)).Warn("m", zap.Int("c", 3)) },
			object{"level": "WARN", "msg": "m", "a": 1.0, "b": 2.0, "c": 3.0},
		},
		{
			"a name stands outside of namespaces",
			func(l *zap.Logger) {
				l.With(zap.Int("a", 1), zap.Namespace("n"), zap.Int("b", 2)).Named("x").Named("y").Info("m", zap.Int("c", 3))
			},
			object{"level": "INFO", "msg": "m", "logger": "x.y", "a": 1.0, "n": object{"b": 2.0, "c": 3.0}},
		},
		{
			"namespaces nest",
			func(l *zap.Logger) {
				l = l.With(zap.Namespace("n"), zap.Int("a", 1)).With(zap.Int("b", 2))
				_ = l.With(zap.Int("sibling", 9), zap.Namespace("other"), zap.Int("c", 9))
				l.Info("m", zap.Int("c", 3), zap.Namespace("o"), zap.Int("d", 4))
			},
			object{"level": "INFO", "msg": "m", "n": object{"a": 1.0, "b": 2.0, "c": 3.0, "o": object{"d": 4.0}}},
		},
		{
			"errors",
			func(l *zap.Logger) { l.Error("m", zap.Error(errors.New("broke")), zap.Error(nil), zap.Skip()) },
			object{"level": "ERROR", "msg": "m", "error": "broke"},
		},
		{
			"arrays, bytes and anything",
			func(l *zap.Logger) {
				l.Info("m", zap.Strings("s", []string{"a", "b"}), zap.Any("any", struct{ A int }{1}), zap.Binary("b", []byte{0}), zap.Reflect("nil", nil))
			},
			object{"level": "INFO", "msg": "m", "s": []any{"a", "b"}, "any": object{"A": 1.0}, "b": "AA==", "nil": nil},
		},
		{
			"inline objects, and objects in objects",
			func(l *zap.Logger) { l.Info("m", zap.Inline(point{1, 2}), zap.Dict("d", zap.Object("p", point{3, 4}))) },
			object{"level": "INFO", "msg": "m", "x": 1.0, "y": 2.0, "d": object{"p": object{"x": 3.0, "y": 4.0}}},
		},
		{
			"a stringer that panics",
			func(l *zap.Logger) { l.Info("m", zap.Stringer("s", (*broken)(nil)), zap.Stringer("t", &broken{})) },
			object{"level": "INFO", "msg": "m", "s": "<nil>", "tError": "PANIC=no text"},
		},
	} {
		if diff := cmp.Diff(c.want, line(t, nil, c.log)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	var here int
	got := line(t, &slog.HandlerOptions{AddSource: true}, func(l *zap.Logger) {
		_, _, here, _ = runtime.Caller(0)
		l.Info("m") // the line below the last
	})
	source, ok := got["source"].(map[string]any)
	if !ok {
		t.Fatalf("no source in %v", got)
	}
	file, _ := source["file"].(string)
	if filepath.Base(file) != "core_test.go" || source["line"] != float64(here+1) {
		t.Errorf("source %v, want core_test.go:%d", source, here+1)
	}
}

func TestStack(t *testing.T) {
	t.Parallel()
	got := line(t, nil, func(l *zap.Logger) { l.WithOptions(zap.AddStacktrace(zap.ErrorLevel)).Error("m") })
	if text, _ := got[exoslog.StackKey].(string); text == "" {
		t.Errorf("no stack in %v", got)
	}
}

// TestShared: loggers made from one another share no array.
func TestShared(t *testing.T) {
	t.Parallel()
	base := exoslog.New(slog.DiscardHandler).With(zap.Namespace("n"), zap.Int("a", 1), zap.Int("b", 2), zap.Int("c", 3))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { base.With(zap.Int("d", i)).Info("m", zap.Int("e", i)) })
	}
	wg.Wait()
}
