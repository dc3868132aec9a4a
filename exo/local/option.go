package local

import (
	"time"

	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/internal/server"
)

// An Option configures a [Server], and an [Instance] with its server.
type Option interface {
	InstanceOption
	apply(*config)
}

// An InstanceOption configures an [Instance].
type InstanceOption interface{ applyInstance(*instanceConfig) }

type config struct {
	server      server.Options
	log         *zap.Logger
	corsOrigins []string
}

type option func(*config)

func (o option) apply(c *config)                 { o(c) }
func (o option) applyInstance(c *instanceConfig) { o(&c.config) }

// WithDefaultLease gives a lease to claims that ask for none, such as those of
// SDKs that do not know leases: past its end a state is offered again, with no
// attempt used up, but no more often than the retry policy has attempts
// (protocol.md §13). It should be longer than any node of such an SDK runs, because
// such a runtime never renews it: a node that runs on is executed twice, and what
// is reported first counts. The default is 0: what is claimed without a lease
// stays claimed until it is reported.
func WithDefaultLease(d time.Duration) Option {
	return option(func(c *config) { c.server.Engine.DefaultLease = d })
}

// WithLogger sets the logger: faults are logged as errors, and HTTP requests
// at debug level. The default discards. The runtime and the client of an
// [Instance] log there, too; their default is that of [exo.WithLogger].
func WithLogger(l *zap.Logger) Option {
	return option(func(c *config) { c.log = l })
}

// WithKeepRuns bounds memory by the number of finished runs: beyond n, those that finished
// first are dropped, with their states and stores, and are unknown
// from then on. Running runs are never dropped. The default is 0, which keeps
// all of them.
func WithKeepRuns(n int) Option {
	return option(func(c *config) { c.server.Engine.KeepRuns = n })
}

// WithKeepStates bounds memory by the number of states of finished runs, as
// [WithKeepRuns] does by the number of runs, except that the run which finished
// last is always kept. The default is 0: no bound.
func WithKeepStates(n int) Option {
	return option(func(c *config) { c.server.Engine.KeepStates = n })
}

// WithoutExtensions makes the state manager act like one that has never heard
// of the additions to the protocol (protocol.md §13): no waiting claims, no
// leases on request, no store, no cancelling, failures marked permanent that are
// retried, states that do not say their run, and an invalid graph takes the place
// of a valid one. It serves to test code that must do without.
func WithoutExtensions() Option {
	return option(func(c *config) { c.server.WithoutExtensions = true })
}

// AsReference makes joins and upserts behave as the reference state manager's
// do, with its losses (protocol.md §14), so that a graph bound for it meets here
// what it will meet there. The default is rules that lose nothing.
func AsReference() Option {
	return option(func(c *config) { c.server.Engine.Rules.AsReference = true })
}

// WithCORSOrigins sets the origins that browsers may call the [Server.Handler]
// from. The default is http://localhost:3000 and http://127.0.0.1:3000, where
// the dashboard is found.
func WithCORSOrigins(origins ...string) Option {
	return option(func(c *config) { c.corsOrigins = origins })
}
