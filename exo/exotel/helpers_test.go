package exotel_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/exotel"
	"github.com/exospherehost/exo-go/exo/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const namespace = "etl"

type Text struct {
	Text string `json:"text"`
}

// observed is what telemetry saw of a run.
type observed struct {
	result  *exo.RunResult
	spans   []sdktrace.ReadOnlySpan
	metrics map[string]metricdata.Aggregation
}

// observe runs a graph in virtual time. Further options come after telemetry's.
func observe(t *testing.T, g *exo.Graph, opts ...exo.RuntimeOption) (o observed) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		recorder := tracetest.NewSpanRecorder()
		reader := sdkmetric.NewManualReader()
		telemetry, err := exotel.New(
			exotel.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))),
			exotel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		if err != nil {
			t.Fatal(err)
		}
		sm := local.New()
		defer func() { _ = sm.Close() }()
		options := []exo.RuntimeOption{exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()), exo.WithTrace(telemetry.Trace())}
		rt, err := exo.NewRuntime(namespace, "worker", g.Nodes(), append(options, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		// Started within a span, which is not to become a parent of the states'.
		within := trace.ContextWithSpanContext(t.Context(), exotel.RunSpanContext("what starts the runtime"))
		go func() { done <- rt.Run(within) }()
		<-rt.Ready()
		m, err := exo.NewStateManager(namespace, exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.UpsertGraph(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		r, err := m.Trigger(t.Context(), g.Name(), exo.TriggerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		bounded, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if o.result, err = r.Wait(bounded); err != nil {
			t.Fatal(err)
		}
		if err := rt.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if started, ended := len(recorder.Started()), len(recorder.Ended()); started != ended {
			t.Errorf("%d spans were started and %d ended", started, ended)
		}
		o.spans = recorder.Ended()
		var data metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &data); err != nil {
			t.Fatal(err)
		}
		o.metrics = map[string]metricdata.Aggregation{}
		for _, scope := range data.ScopeMetrics {
			for _, m := range scope.Metrics {
				o.metrics[m.Name] = m.Data
			}
		}
	})
	return o
}

func attributes(s sdktrace.ReadOnlySpan) map[string]any {
	found := map[string]any{}
	for _, a := range s.Attributes() {
		found[string(a.Key)] = a.Value.AsInterface()
	}
	return found
}

// recording is telemetry without metrics, and where its spans are found.
func recording(t *testing.T) (*exotel.Telemetry, *tracetest.SpanRecorder) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	telemetry, err := exotel.New(exotel.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))))
	if err != nil {
		t.Fatal(err)
	}
	return telemetry, recorder
}

func newLocal(t *testing.T) *local.Server {
	t.Helper()
	sm := local.New()
	t.Cleanup(func() { _ = sm.Close() })
	return sm
}
