package exotest

import (
	"context"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
)

// A RunOption changes the state that [Run] makes up.
type RunOption interface{ applyRun(c *runConfig) }

// A ManagerOption changes a [StateManager]: see [StateManager.With] and [Bubble].
type ManagerOption interface{ applyManager(c *managerConfig) }

// An Option is both.
type Option interface {
	RunOption
	ManagerOption
}

// execution is what every execution of a node needs.
type execution struct {
	ctx        context.Context //nolint:containedctx // of the test
	logger     *zap.Logger
	middleware []node.Middleware
}

type runConfig struct {
	execution
	info  node.Info
	store map[string]string
}

type managerConfig struct {
	execution
	namespace         string
	start             time.Time
	seed              uint64
	limit             int
	lease             time.Duration
	asReference       bool
	withoutExtensions bool
	faults            []Fault
}

type (
	option        func(c *execution)
	runOption     func(c *runConfig)
	managerOption func(c *managerConfig)
)

func (o option) applyRun(c *runConfig)                { o(&c.execution) }
func (o option) applyManager(c *managerConfig)        { o(&c.execution) }
func (o runOption) applyRun(c *runConfig)             { o(c) }
func (o managerOption) applyManager(c *managerConfig) { o(c) }

func newExecution(t testing.TB) execution {
	t.Helper()
	return execution{ctx: t.Context(), logger: zaptest.NewLogger(t)}
}

// WithContext sets the context that those of the nodes descend from. The default
// is the test's.
func WithContext(ctx context.Context) Option {
	return option(func(c *execution) { c.ctx = ctx })
}

// WithLogger sets the logger, which is also what nodes log by. The default
// writes to the test's log.
func WithLogger(l *zap.Logger) Option {
	return option(func(c *execution) { c.logger = l })
}

// WithMiddleware wraps every node. The first is outermost. Given more than once,
// the middleware add up.
func WithMiddleware(m ...node.Middleware) Option {
	return option(func(c *execution) { c.middleware = append(c.middleware, m...) })
}

// WithInfo sets what [exo.Info] says in the node. Fields that are left zero keep
// their defaults: the namespace and the graph are called "test", the step
// "step", the runtime "exotest", and the ids are made up.
func WithInfo(i node.Info) RunOption {
	return runOption(func(c *runConfig) { c.info = i })
}

// WithStore sets what the run's store holds at first. The default is nothing.
func WithStore(s map[string]string) RunOption {
	return runOption(func(c *runConfig) { c.store = s })
}

// AsReference makes joins behave as the reference state manager's do, so that a
// graph bound for it, or for the Exosphere platform, is tested against what it
// will meet there (docs/differences.md). A run that loses a join fails the test
// that drives it.
func AsReference() ManagerOption {
	return managerOption(func(c *managerConfig) { c.asReference = true })
}

// WithoutExtensions makes the state manager act like one that has never heard of
// the additions to the protocol (protocol.md §13), like the reference server:
// nodes have no store, failures marked permanent are retried, and [exo.Info] does
// not say the run, the graph and the attempt.
func WithoutExtensions() ManagerOption {
	return managerOption(func(c *managerConfig) { c.withoutExtensions = true })
}

// WithNamespace sets the namespace of the graphs and nodes. The default is
// "test".
func WithNamespace(name string) ManagerOption {
	return managerOption(func(c *managerConfig) { c.namespace = name })
}

// WithStart sets the time at which a state manager's own time begins: what cron
// triggers go by. The default is 1 January 2000, 0:00 UTC, as in a bubble. It has
// no effect in a bubble.
func WithStart(start time.Time) ManagerOption {
	return managerOption(func(c *managerConfig) { c.start = start })
}

// WithSeed sets what ids and the jitter of retries are made of. With the same
// seed, which by default is 1, the same calls give the same.
func WithSeed(seed uint64) ManagerOption {
	return managerOption(func(c *managerConfig) { c.seed = seed })
}

// WithLimit sets how many states one call of [StateManager.Drive] or its like
// executes before it takes the graph for endless and fails the test. The default
// is 100 000.
func WithLimit(executions int) ManagerOption {
	return managerOption(func(c *managerConfig) { c.limit = executions })
}

// WithDefaultLease gives a lease to claims that ask for none. The default is 0:
// what is claimed without a lease stays claimed until it is reported.
func WithDefaultLease(d time.Duration) ManagerOption {
	return managerOption(func(c *managerConfig) { c.lease = d })
}
