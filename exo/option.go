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

// An Option configures both a [Runtime] and a [StateManager].
type Option interface {
	RuntimeOption
	ManagerOption
}

// connection holds the options that a runtime and a client share: the address
// of the state manager, and the logger.
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

// WithURL sets the URL of the state manager, such as "http://localhost:8000".
// The default is the environment variable EXOSPHERE_STATE_MANAGER_URI.
func WithURL(url string) Option { return option(func(c *connection) { c.url = url }) }

// WithAPIKey sets the API key sent with every request. The default is the
// environment variable EXOSPHERE_API_KEY.
func WithAPIKey(key string) Option { return option(func(c *connection) { c.apiKey = key }) }

// WithHTTPClient replaces the HTTP client, for example to use proxies, TLS
// settings or tracing. Redirects are never followed, whatever the client's
// policy.
func WithHTTPClient(client *http.Client) Option {
	return option(func(c *connection) { c.client = client })
}

// WithStateManager replaces HTTP, for example by a local.Server. URL, API key
// and HTTP client are then unused.
func WithStateManager(sm transport.Provider) Option {
	return option(func(c *connection) { c.sm = sm })
}

// WithLogger sets the logger. The default writes to stderr at the level of the
// environment variable EXOSPHERE_LOG_LEVEL (default INFO). It writes nothing if
// EXOSPHERE_DISABLE_DEFAULT_LOGGING is set to anything but "", "0", "no" or
// "false".
func WithLogger(l *zap.Logger) Option { return option(func(c *connection) { c.logger = l }) }

// WithValidationTimeout limits how long [StateManager.UpsertGraph] waits. The
// default is one minute.
func WithValidationTimeout(d time.Duration) ManagerOption {
	return managerOption(func(c *managerConfig) { c.validationTimeout = d })
}

// WithRunPollInterval sets how often [StateManager.UpsertGraph] and [Run.Wait]
// poll where the state manager cannot wait. The default is one second.
func WithRunPollInterval(d time.Duration) ManagerOption {
	return managerOption(func(c *managerConfig) { c.pollInterval = d })
}

// WithWorkers sets how many states execute at once. The default is 32, which
// suits nodes that mostly wait. CPU-bound nodes run best with about GOMAXPROCS
// workers.
func WithWorkers(n int) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.workers = n })
}

// WithBatchSize sets the largest number of states per claim. The default is 32.
// A runtime never claims more states than it has idle workers.
func WithBatchSize(n int) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.batchSize = n })
}

// WithPollInterval sets the longest wait after a claim that found nothing,
// where the state manager cannot hold claims. Waits are shorter while work
// keeps coming. The default is one second.
func WithPollInterval(d time.Duration) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.pollInterval = d })
}

// WithDrainTimeout limits how long [Runtime.Run] waits for executing nodes
// after its context has ended. After that their contexts are cancelled and
// their states requeued, not failed. The default is 30 seconds.
func WithDrainTimeout(d time.Duration) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.drainTimeout = d })
}

// WithLease sets the lease of claimed states, where the state manager has
// leases: if the process dies, its states are executed again after that time.
// The runtime sends a heartbeat after each third of the lease. The default is
// 30 seconds; 0 asks for no leases.
func WithLease(d time.Duration) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.lease = d })
}

// WithReportBackoff sets how reports and registration are retried. The default
// is exponential with jitter, from 100 milliseconds to 30 seconds, and without
// end unless the runtime drains: a state whose outcome is never reported is
// stuck until its lease ends, or forever. When a backoff stops, the report is
// given up and logged. A backoff that panics is replaced by the default; see
// [Stats].
func WithReportBackoff(f func() backoff.BackOff) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.reportBackoff = f })
}

// WithMiddleware wraps every node of the runtime. The first middleware is
// outermost. The option may be given more than once.
func WithMiddleware(m ...node.Middleware) RuntimeOption {
	return runtimeOption(func(c *runtimeConfig) { c.middleware = append(c.middleware, m...) })
}

// WithTrace adds hooks that observe the runtime. The option may be given more
// than once.
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
		return fmt.Errorf("%s: must be at least %v, got %v", option, least, got)
	}
	return nil
}

func notNil(option string, isNil bool) error {
	if isNil {
		return fmt.Errorf("%s: must not be nil", option)
	}
	return nil
}
