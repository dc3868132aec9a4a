package exo

import (
	"context"

	"github.com/exospherehost/exo-go/exo/node"
	"go.uber.org/zap"
)

// Info says which state ctx belongs to. It is zero outside a node.
func Info(ctx context.Context) node.Info { return node.InfoFromContext(ctx) }

type loggerKey struct{}

// Logger is the runtime's logger with the fields of [Info]: state_id, run_id,
// node and identifier. Outside a node it discards. Known values of the state's
// secrets are replaced by [REDACTED] in what it writes.
func Logger(ctx context.Context) *zap.Logger {
	if l, ok := ctx.Value(loggerKey{}).(*stateLogger); ok {
		return l.get()
	}
	return zap.NewNop()
}

// ContextWithLogger gives a context in which [Logger] is l: for tests of code
// that logs, and for transports of contexts other than the runtime's.
func ContextWithLogger(ctx context.Context, l *zap.Logger) context.Context {
	return context.WithValue(ctx, loggerKey{}, &stateLogger{made: l})
}
