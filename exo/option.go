package exo

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

// A RuntimeOption configures a [Runtime].
type RuntimeOption interface{ applyRuntime(*runtimeConfig) }

// A ManagerOption configures a [StateManager].
type ManagerOption interface{ applyManager(*managerConfig) }

// An Option configures both.
type Option interface {
	RuntimeOption
	ManagerOption
}

// connection is what both a runtime and a client need: where the state
// manager is, and where to log.
type connection struct {
	url    string
	apiKey string
	client *http.Client
	sm     transport.Provider
	logger *zap.Logger
}

type runtimeConfig struct {
	connection
	workers       int
	batchSize     int
	pollInterval  time.Duration
	drainTimeout  time.Duration
	lease         time.Duration
	reportBackoff func() backoff.BackOff
	middleware    []node.Middleware
	traces        []*Trace
}

type managerConfig struct {
	connection
	validationTimeout time.Duration
	pollInterval      time.Duration
}

type (
	option        func(*connection)
	runtimeOption func(*runtimeConfig)
	managerOption func(*managerConfig)
)

func (o option) applyRuntime(c *runtimeConfig)        { o(&c.connection) }
func (o option) applyManager(c *managerConfig)        { o(&c.connection) }
func (o runtimeOption) applyRuntime(c *runtimeConfig) { o(c) }
func (o managerOption) applyManager(c *managerConfig) { o(c) }

// WithURL sets where the state manager is, such as "http://localhost:8000". The
// default is the environment's EXOSPHERE_STATE_MANAGER_URI.
func WithURL(url string) Option { return option(func(c *connection) { c.url = url }) }

// WithAPIKey sets the key sent with every request. The default is the
// environment's EXOSPHERE_API_KEY.
func WithAPIKey(key string) Option { return option(func(c *connection) { c.apiKey = key }) }

// WithHTTPClient replaces the HTTP client: the place for proxies, TLS and
// tracing round trippers. Redirects are not followed whatever its policy.
func WithHTTPClient(client *http.Client) Option {
	return option(func(c *connection) { c.client = client })
}

// WithStateManager replaces HTTP altogether, for example by a local.Server;
// URL, key and HTTP client are then unused.
func WithStateManager(sm transport.Provider) Option {
	return option(func(c *connection) { c.sm = sm })
}

// WithLogger sets the logger. The default writes to stderr, from the level of
// the environment's EXOSPHERE_LOG_LEVEL on (default INFO), or nothing if
// EXOSPHERE_DISABLE_DEFAULT_LOGGING is set to anything but "", "0", "no" or
// "false".
func WithLogger(l *zap.Logger) Option { return option(func(c *connection) { c.logger = l }) }

// WithValidationTimeout bounds the wait of [StateManager.UpsertGraph]. The default is
// a minute.
func WithValidationTimeout(d time.Duration) ManagerOption {
	return managerOption(func(c *managerConfig) { c.validationTimeout = d })
}

// WithRunPollInterval sets how often [StateManager.UpsertGraph] and [Run.Wait]
// ask, where the state manager cannot wait for them. The default is a second.
func WithRunPollInterval(d time.Duration) ManagerOption {
	return managerOption(func(c *managerConfig) { c.pollInterval = d })
}

// WithWorkers sets how many states execute at once. The default is 32: nodes
// mostly wait for something else. CPU-bound nodes run best with about
// GOMAXPROCS of them.
func WithWorkers(n int) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.workers = n })
}

// WithBatchSize caps how many states one request claims. The default is 32. A
// runtime never claims more than it has idle workers for.
func WithBatchSize(n int) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.batchSize = n })
}

// WithPollInterval sets the longest wait after a claim that found nothing,
// where the state manager cannot hold the claim until something is due. While
// work keeps coming the waits are shorter. The default is one second.
func WithPollInterval(d time.Duration) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.pollInterval = d })
}

// WithDrainTimeout bounds how long [Runtime.Run] waits for executing nodes
// once its context ends. When it passes, their contexts are cancelled and
// their states are put back rather than failed. The default is 30 seconds.
func WithDrainTimeout(d time.Duration) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.drainTimeout = d })
}

// WithLease sets how long claimed states stay the runtime's without a
// heartbeat, where the state manager has leases: when the process dies, its
// states are tried again after that time. A heartbeat is sent when a third
// of it has passed. The default is 30 seconds; 0 asks for no leases.
func WithLease(d time.Duration) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.lease = d })
}

// WithReportBackoff sets how reports and registration are retried. The default
// is exponential with jitter, from 100 milliseconds to 30 seconds and without
// end while the runtime is not draining: a state whose outcome is never
// reported is stuck until its lease ends, or for good. A backoff that stops
// gives the report up, with a log line. One that panics is replaced by the
// default; see [Stats].
func WithReportBackoff(f func() backoff.BackOff) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.reportBackoff = f })
}

// WithMiddleware wraps every node of the runtime. The first is outermost.
// Given more than once, the middleware add up.
func WithMiddleware(m ...node.Middleware) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.middleware = append(c.middleware, m...) })
}

// WithTrace observes the runtime. Given more than once, all are called.
func WithTrace(t *Trace) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) {
		if t != nil {
			c.traces = append(c.traces, t)
		}
	})
}

func defaultReportBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(30*time.Second),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxElapsedTime(0),
	)
}

func newRuntimeConfig(opts []RuntimeOption) (*runtimeConfig, error) {
	c := &runtimeConfig{
		workers:       32,
		batchSize:     32,
		pollInterval:  time.Second,
		drainTimeout:  30 * time.Second,
		lease:         30 * time.Second,
		reportBackoff: defaultReportBackoff,
	}
	for _, o := range opts {
		o.applyRuntime(c)
	}
	return c, errors.Join(
		c.complete(),
		atLeast("WithWorkers", c.workers, 1),
		atLeast("WithBatchSize", c.batchSize, 1),
		atLeast("WithPollInterval", c.pollInterval, time.Millisecond),
		atLeast("WithDrainTimeout", c.drainTimeout, 0),
		atLeast("WithLease", c.lease, 0),
		notNil("WithReportBackoff", c.reportBackoff == nil),
	)
}

func newManagerConfig(opts []ManagerOption) (*managerConfig, error) {
	c := &managerConfig{validationTimeout: time.Minute, pollInterval: time.Second}
	for _, o := range opts {
		o.applyManager(c)
	}
	return c, errors.Join(
		c.complete(),
		atLeast("WithValidationTimeout", c.validationTimeout, 0),
		atLeast("WithRunPollInterval", c.pollInterval, time.Millisecond),
	)
}

func atLeast[T int | time.Duration](option string, got, least T) error {
	if got < least {
		return fmt.Errorf("%s: must be at least %v, is %v", option, least, got)
	}
	return nil
}

func notNil(option string, isNil bool) error {
	if isNil {
		return fmt.Errorf("%s: must not be nil", option)
	}
	return nil
}
