package exo

import (
	"context"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/internal/nodecontext"
	"go.uber.org/zap"
)

// Info returns the state that ctx belongs to. It is zero outside a node.
func Info(ctx context.Context) node.Info { return node.InfoFromContext(ctx) }

type loggerKey struct{}

// Logger returns the runtime's logger with the fields of [Info]: state_id,
// run_id, node and identifier. Outside a node and the hooks of a [Trace] it
// returns a logger that discards. The logger replaces known values of the
// state's secrets by [REDACTED].
func Logger(ctx context.Context) *zap.Logger {
	if l, ok := ctx.Value(loggerKey{}).(*stateLogger); ok {
		return l.get()
	}
	return zap.NewNop()
}

// A nodeContext is the context of a node: the execution's context and its
// values. Separate contexts would cost an allocation for each value of every
// state.
type nodeContext struct {
	context.Context //nolint:containedctx // it is one

	values context.Context //nolint:containedctx // where further values are found
	info   *node.Info
	store  nodecontext.Store
	logger stateLogger
}

// nodeContext returns the context of the execution. Its secrets are known by
// now.
func (e *execution) nodeContext() context.Context {
	c, info := &e.work.context, &e.work.request.Info // these do not keep e alive
	c.Context, c.values, c.info = e.ctx, e.ctx, info
	if traced := e.traced.Load(); traced != nil {
		c.values = traced
	}
	c.store = nodecontext.Store{Backend: e.runtime.store, StateID: e.report.StateID}
	c.logger.base, c.logger.info, c.logger.redact = e.runtime.log, info, e.work.redact
	return c
}

// Value returns the values of the packages that own the keys.
func (c *nodeContext) Value(key any) any {
	switch key.(type) {
	case nodecontext.InfoKey:
		return c.info
	case nodecontext.StoreKey:
		return &c.store
	case nodecontext.HideKey:
		return c.logger.redact.text
	case loggerKey:
		return &c.logger
	}
	return c.values.Value(key)
}

// A traceContext is what hooks of a [Trace] are called with: the execution's
// context, with the values of what a hook returned. It is kept until the report
// has been taken, and so holds neither inputs nor secrets.
type traceContext struct {
	context.Context //nolint:containedctx // it is one

	values    context.Context //nolint:containedctx // where further values are found
	execution *execution
}

func newTraceContext(e *execution, values context.Context) *traceContext { //nolint:revive // values is a part of the context, and may be nil
	ctx := e.ctx
	if ctx == nil { // returned before it was given one
		ctx = context.Background()
	}
	if values == nil {
		values = ctx
	}
	return &traceContext{ctx, values, e}
}

// Value returns the values of the packages that own the keys.
func (c *traceContext) Value(key any) any {
	e := c.execution
	switch key.(type) {
	case nodecontext.InfoKey:
		return e.info()
	case nodecontext.StoreKey:
		return &nodecontext.Store{Backend: e.runtime.store, StateID: e.report.StateID}
	case loggerKey:
		return &stateLogger{base: e.runtime.log, info: e.info()}
	}
	return c.values.Value(key)
}

// ContextWithLogger returns a context in which [Logger] returns l. It is meant
// for tests of code that logs, and for middleware that adds fields.
func ContextWithLogger(ctx context.Context, l *zap.Logger) context.Context {
	return context.WithValue(ctx, loggerKey{}, &stateLogger{made: l})
}
