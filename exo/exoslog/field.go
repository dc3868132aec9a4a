package exoslog

import (
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"go.uber.org/zap/zapcore"
)

// appendAttrs appends a field: one attribute, none, or, if it is inline, many.
func appendAttrs(attrs []slog.Attr, f zapcore.Field) []slog.Attr {
	switch f.Type {
	case zapcore.SkipType:
		return attrs
	case zapcore.InlineMarshalerType:
		return append(attrs, encoded(f)...)
	case zapcore.ObjectMarshalerType, zapcore.ArrayMarshalerType, zapcore.StringerType:
		// Under another key as well if it fails: what zap says of the failure.
		return append(attrs, encoded(f)...)
	default:
		return append(attrs, slog.Attr{Key: f.Key, Value: value(f)})
	}
}

// value converts a field that is only a value.
func value(f zapcore.Field) slog.Value {
	switch f.Type {
	case zapcore.StringType:
		return slog.StringValue(f.String)
	case zapcore.BoolType:
		return slog.BoolValue(f.Integer == 1)
	case zapcore.Int64Type, zapcore.Int32Type, zapcore.Int16Type, zapcore.Int8Type:
		return slog.Int64Value(f.Integer)
	case zapcore.Uint64Type, zapcore.Uint32Type, zapcore.Uint16Type, zapcore.Uint8Type, zapcore.UintptrType:
		return slog.Uint64Value(uint64(f.Integer))
	case zapcore.Float64Type:
		return slog.Float64Value(math.Float64frombits(uint64(f.Integer)))
	case zapcore.Float32Type:
		return slog.Float64Value(float64(math.Float32frombits(uint32(f.Integer))))
	case zapcore.DurationType:
		return slog.DurationValue(time.Duration(f.Integer))
	case zapcore.TimeType:
		t := time.Unix(0, f.Integer)
		if zone, ok := f.Interface.(*time.Location); ok {
			t = t.In(zone)
		}
		return slog.TimeValue(t)
	case zapcore.ByteStringType:
		if text, ok := f.Interface.([]byte); ok {
			return slog.StringValue(string(text))
		}
	case zapcore.Complex128Type, zapcore.Complex64Type:
		return slog.StringValue(fmt.Sprint(f.Interface)) // JSON has no such numbers
	default: // errors, times out of range, bytes and what zap would reflect on
	}
	return slog.AnyValue(f.Interface)
}

// encoded is what a field writes of itself, in order of keys.
func encoded(f zapcore.Field) []slog.Attr {
	o := zapcore.NewMapObjectEncoder()
	f.AddTo(o)
	return members(o.Fields)
}

func members(object map[string]any) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if inner, ok := object[key].(map[string]any); ok {
			attrs = append(attrs, slog.Attr{Key: key, Value: slog.GroupValue(members(inner)...)})
		} else {
			attrs = append(attrs, slog.Any(key, object[key]))
		}
	}
	return attrs
}
