// Package exotel observes runtimes with OpenTelemetry: a span for every state
// that is executed, and metrics of states, claims and reports.
//
//	telemetry, err := exotel.New()
//	…
//	err = exo.Serve(ctx, "etl", "worker-1", nodes, exo.WithTrace(telemetry.Trace()))
//
// It stands on OpenTelemetry's API alone. The program chooses the SDK, its
// exporters and its sampling; without one, nothing is recorded.
//
// The package is a module of its own, so that programs that do without it do
// not carry OpenTelemetry, not even in their go.sum.
//
// # Spans
//
// A span "execute NODE" begins a trace of its own, and lasts as long as the
// node; the node finds it in its context. The spans of a run, in whatever
// process, have two things in common: the attribute exo.run.id, and a link to
// [RunSpanContext], which is made of the run's ID and so the same everywhere.
// Attributes:
//
//	exo.state.id, exo.run.id, exo.graph, exo.node, exo.identifier,
//	exo.namespace, exo.runtime     as in [node.Info], where known
//	exo.attempt                    0 the first time
//	exo.outcome                    as [exo.OutcomeKind] has it
//	exo.outputs                    of executed: the number of outputs
//	exo.after                      of requeued and returned: seconds
//	exo.permanent                  of errored: whether retries are pointless
//
// The span of a state that errored has the status Error with the error's text,
// in which the runtime has replaced secrets. No other outcome is an error, and
// what the node itself returned is not recorded.
//
// # Metrics
//
//	exo.states            {state}  counter: by exo.node, exo.outcome
//	exo.state.duration    s        histogram: in the node; by exo.node, exo.outcome
//	exo.state.queue_wait  s        histogram: creation to start; by exo.node
//	exo.states.executing  {state}  up-down counter: by exo.node
//	exo.claims.states     {state}  counter: states claimed
//	exo.claim.duration    s        histogram: by exo.result: states, none or error
//	exo.report.duration   s        histogram: until taken or given up; by exo.outcome, exo.taken
//
// Their attributes have few values: never the ID of a state or of a run. A claim
// lasts long if the state manager holds it until there is work. The wait in the
// queue spans the clocks of two machines, and includes delays that were asked
// for: of retries, and of requeued states.
package exotel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// scope is the instrumentation scope of spans and metrics.
const scope = "github.com/exospherehost/exo-go/exo/exotel"

// Telemetry observes runtimes. It is safe for concurrent use, and may serve
// several runtimes.
type Telemetry struct {
	tracer  trace.Tracer
	metrics *metrics
}

// An Option configures a [Telemetry].
type Option interface{ apply(*config) }

type config struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
}

type option func(*config)

func (o option) apply(c *config) { o(c) }

// WithTracerProvider sets where spans go. The default is
// [otel.GetTracerProvider].
func WithTracerProvider(p trace.TracerProvider) Option {
	return option(func(c *config) { c.tracers = p })
}

// WithMeterProvider sets where metrics go. The default is
// [otel.GetMeterProvider].
func WithMeterProvider(p metric.MeterProvider) Option {
	return option(func(c *config) { c.meters = p })
}

// New makes the instruments. It fails if the meter provider refuses one.
func New(opts ...Option) (*Telemetry, error) {
	c := config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, o := range opts {
		o.apply(&c)
	}
	version := transport.Version()
	m, err := newMetrics(c.meters.Meter(scope, metric.WithInstrumentationVersion(version)))
	if err != nil {
		return nil, err
	}
	return &Telemetry{tracer: c.tracers.Tracer(scope, trace.WithInstrumentationVersion(version)), metrics: m}, nil
}

// Trace is what a runtime is observed by, when it is given it by
// [exo.WithTrace].
func (t *Telemetry) Trace() *exo.Trace {
	return &exo.Trace{
		Claimed:  t.metrics.claimed,
		Started:  t.started,
		Finished: t.finished,
		Reported: t.metrics.reported,
	}
}

// A spanKey is the key of a state's span in its context. A runtime may be
// observed by more than one Telemetry.
type spanKey struct{ of *Telemetry }

// started begins the span of a state. What the node returns passes unseen: only
// the runtime knows what it comes to, and only its texts are free of secrets.
func (t *Telemetry) started(ctx context.Context, info node.Info) context.Context {
	t.metrics.started(ctx, info)
	ctx, span := t.start(ctx, info)
	return context.WithValue(ctx, spanKey{t}, span)
}

func (t *Telemetry) finished(ctx context.Context, info node.Info, o exo.Outcome, took time.Duration) {
	span, ok := ctx.Value(spanKey{t}).(trace.Span)
	if !ok { // Started panicked, in the tracer
		span = trace.SpanFromContext(context.Background())
	}
	t.metrics.finished(trace.ContextWithSpan(ctx, span), info, o, took) // for exemplars
	end(span, o)
}
