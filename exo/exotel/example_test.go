package exotel_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/exotel"
	"github.com/exospherehost/exo-go/exo/local"
)

type Word struct {
	Word string `json:"word"`
}

var upper = exo.Node("Upper", func(_ context.Context, in Word, _ exo.None) (Word, error) {
	return Word{strings.ToUpper(in.Word)}, nil
})

// A runtime whose spans and metrics go to the console.
func Example() {
	ctx := context.Background()

	// What the program chooses: exporters and the SDK.
	var console bytes.Buffer // os.Stdout, in a program whose output may vary
	spans, err := stdouttrace.New(stdouttrace.WithWriter(&console), stdouttrace.WithoutTimestamps())
	if err != nil {
		fmt.Println(err)
		return
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans), sdktrace.WithResource(resource.Empty()))
	values, err := stdoutmetric.New(stdoutmetric.WithWriter(&console), stdoutmetric.WithoutTimestamps())
	if err != nil {
		fmt.Println(err)
		return
	}
	meters := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(values)), sdkmetric.WithResource(resource.Empty()),
		// One metric of several, to keep the example short.
		sdkmetric.WithView(func(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
			s := sdkmetric.Stream{Name: i.Name}
			if i.Name != "exo.states" {
				s.Aggregation = sdkmetric.AggregationDrop{}
			}
			return s, true
		}))

	// What makes a runtime use them.
	telemetry, err := exotel.New(exotel.WithTracerProvider(tracers), exotel.WithMeterProvider(meters))
	if err != nil {
		fmt.Println(err)
		return
	}
	sm := local.New()
	defer func() { _ = sm.Close() }()
	g := exo.NewGraph("shouting")
	exo.Add(g, "shout", upper, Word{"hello"})
	opts := []exo.RuntimeOption{exo.WithTrace(telemetry.Trace()), exo.WithStateManager(sm), exo.WithLogger(zap.NewNop())}
	if err := runOnce(ctx, sm, g, opts); err != nil {
		fmt.Println(err)
		return
	}
	_ = tracers.Shutdown(ctx)
	_ = meters.Shutdown(ctx)
	show(console.String())
	// Output:
	// "Name":"execute Upper"
	// {"Key":"exo.graph","Value":{"Type":"STRING","Value":"shouting"}}
	// {"Key":"exo.node","Value":{"Type":"STRING","Value":"Upper"}}
	// {"Key":"exo.identifier","Value":{"Type":"STRING","Value":"shout"}}
	// {"Key":"exo.namespace","Value":{"Type":"STRING","Value":"demo"}}
	// {"Key":"exo.runtime","Value":{"Type":"STRING","Value":"worker"}}
	// {"Key":"exo.attempt","Value":{"Type":"INT64","Value":0}}
	// {"Key":"exo.outcome","Value":{"Type":"STRING","Value":"executed"}}
	// {"Key":"exo.outputs","Value":{"Type":"INT64","Value":1}}
	// "Name":"exo.states"
	// {"Key":"exo.node","Value":{"Type":"STRING","Value":"Upper"}}
	// {"Key":"exo.outcome","Value":{"Type":"STRING","Value":"executed"}}
	// "Value":1
}

// runOnce triggers a graph, waits for the run and stops the runtime.
func runOnce(ctx context.Context, sm *local.Server, g *exo.Graph, opts []exo.RuntimeOption) error {
	rt, err := exo.NewRuntime("demo", "worker", g.Nodes(), opts...)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- rt.Run(ctx) }()
	<-rt.Ready()
	m, err := exo.NewStateManager("demo", exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()))
	if err != nil {
		return err
	}
	if _, err := m.UpsertGraph(ctx, g); err != nil {
		return err
	}
	run, err := m.Trigger(ctx, g.Name(), exo.TriggerOptions{})
	if err != nil {
		return err
	}
	if _, err := run.Wait(ctx); err != nil {
		return err
	}
	if err := rt.Shutdown(ctx); err != nil {
		return err
	}
	return <-done
}

var (
	constant = regexp.MustCompile(`"Name":"(execute|exo)[^"]*"|\{"Key":"exo[^{}]*\{[^{}]*\}\}|"Value":1\b`)
	varying  = regexp.MustCompile(`"Key":"exo\.(state|run)\.id"`)
)

// show prints what is the same every time: not the IDs, for example.
func show(text string) {
	for _, line := range constant.FindAllString(text, -1) {
		if !varying.MatchString(line) {
			_, _ = fmt.Fprintln(os.Stdout, line)
		}
	}
}
