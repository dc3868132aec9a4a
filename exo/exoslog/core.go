// Package exoslog makes the loggers that the SDK takes, which are zap's, out of
// handlers of [log/slog], so that a program that logs by slog gets the SDK's
// lines where its own go:
//
//	exo.WithLogger(exoslog.New(slog.Default().Handler()))
//
// For the other direction, slog that writes to zap, there is
// go.uber.org/zap/exp/zapslog.
package exoslog

import (
	"context"
	"log/slog"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Keys of the attributes that carry what slog has no place for.
const (
	NameKey  = "logger" // the name of a [zap.Logger.Named]
	StackKey = "stack"  // the stack of an entry that has one, such as by [zap.AddStacktrace]
)

// New is a logger that writes to h. It knows its callers, for handlers that
// show the source; opts such as zap.WithCaller(false) change that.
func New(h slog.Handler, opts ...zap.Option) *zap.Logger {
	return zap.New(NewCore(h), append([]zap.Option{zap.AddCaller()}, opts...)...)
}

// NewCore is a core that writes to h, which decides what is enabled.
//
// Levels keep their order: debug, info, warn and error are slog's, and dpanic,
// panic and fatal are 4, 8 and 12 above error. Fields keep their types, errors
// among them; stringers and marshalers are read when they are logged. Objects
// and namespaces become groups. The members of objects are in order of their
// names. Handle gets [context.Background]: zap has no contexts.
//
// The core is safe for concurrent use, as handlers are.
func NewCore(h slog.Handler) zapcore.Core { return &core{handler: h} }

// A core keeps the attributes of open namespaces by itself rather than in the
// handler, whose groups could not be left again for the logger's name.
type core struct {
	handler    slog.Handler // has the attributes outside any namespace
	namespaces []namespace  // outermost first; never changed in place
}

type namespace struct {
	name  string
	attrs []slog.Attr
}

// Enabled implements [zapcore.LevelEnabler].
func (c *core) Enabled(l zapcore.Level) bool {
	return c.handler.Enabled(context.Background(), level(l))
}

// With implements [zapcore.Core].
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	outside, opened := split(c.namespaces, fields)
	with := &core{handler: c.handler, namespaces: opened}
	if len(outside) > 0 {
		with.handler = c.handler.WithAttrs(outside)
	}
	return with
}

// Check implements [zapcore.Core].
func (c *core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write implements [zapcore.Core].
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	var pc uintptr
	if e.Caller.Defined && e.Caller.PC != 0 {
		pc = e.Caller.PC + 1 // zap's is of the call, slog's of the return from it
	}
	r := slog.NewRecord(e.Time, level(e.Level), e.Message, pc)
	if e.LoggerName != "" {
		r.AddAttrs(slog.String(NameKey, e.LoggerName))
	}
	if e.Stack != "" {
		r.AddAttrs(slog.String(StackKey, e.Stack))
	}
	outside, opened := split(c.namespaces, fields)
	r.AddAttrs(outside...)
	if len(opened) > 0 {
		r.AddAttrs(nested(opened))
	}
	return c.handler.Handle(context.Background(), r)
}

// Sync implements [zapcore.Core]. Handlers have nothing of the kind.
func (c *core) Sync() error { return nil }

// level keeps the distance of 4 that slog has between its own levels.
func level(l zapcore.Level) slog.Level { return slog.Level(4 * int(l)) }

// split gives the attributes of fields that lie outside any namespace, and the
// namespaces with the others added.
func split(open []namespace, fields []zapcore.Field) (outside []slog.Attr, opened []namespace) {
	opened = slices.Clip(open)
	copied := false
	for _, f := range fields {
		switch {
		case f.Type == zapcore.NamespaceType:
			opened = append(opened, namespace{name: f.Key})
			copied = true // append has left the array of open, or the last is new
		case len(opened) == 0:
			outside = appendAttrs(outside, f)
		default:
			if !copied {
				opened = append([]namespace(nil), opened...)
				copied = true
			}
			last := &opened[len(opened)-1]
			last.attrs = appendAttrs(slices.Clip(last.attrs), f)
		}
	}
	return outside, opened
}

// nested is the group of the outermost namespace, the others inside.
func nested(namespaces []namespace) slog.Attr {
	var inner []slog.Attr
	for i := len(namespaces) - 1; ; i-- {
		n := namespaces[i]
		attrs := append(slices.Clip(n.attrs), inner...)
		group := slog.Attr{Key: n.name, Value: slog.GroupValue(attrs...)}
		if i == 0 {
			return group
		}
		inner = []slog.Attr{group}
	}
}
