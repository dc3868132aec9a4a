package exotel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
)

// RunSpanContext is what the spans of a run's states link to. There is no such
// span: it is a name that every process makes alike, so that the states of a run
// are found by it. A run's ID is a UUID, whose 16 bytes are the trace ID; the
// span ID is the first 8 bytes of its SHA-256, as 32 lower-case hex digits. Of
// any other text the trace ID is bytes 8 to 24 of its SHA-256, and the span ID
// the first 8. It is invalid for "".
func RunSpanContext(runID string) trace.SpanContext {
	if runID == "" {
		return trace.SpanContext{}
	}
	c := trace.SpanContextConfig{Remote: true}
	text := strings.ToLower(strings.ReplaceAll(runID, "-", ""))
	id, err := hex.DecodeString(text)
	isUUID := err == nil && len(id) == len(c.TraceID)
	if !isUUID {
		text = runID
	}
	sum := sha256.Sum256([]byte(text))
	if !isUUID {
		id = sum[8:24]
	}
	copy(c.SpanID[:], sum[:8])
	copy(c.TraceID[:], id)
	return trace.NewSpanContext(c)
}

// start begins the span of a state.
func (t *Telemetry) start(ctx context.Context, info node.Info) (context.Context, trace.Span) {
	attributes := make([]attribute.KeyValue, 0, 8)
	for _, a := range []attribute.KeyValue{
		attribute.String("exo.state.id", info.StateID),
		attribute.String("exo.run.id", info.RunID),
		attribute.String("exo.graph", info.Graph),
		attribute.String("exo.node", info.Node),
		attribute.String("exo.identifier", info.Identifier),
		attribute.String("exo.namespace", info.Namespace),
		attribute.String("exo.runtime", info.Runtime),
	} {
		if a.Value.AsString() != "" {
			attributes = append(attributes, a)
		}
	}
	options := []trace.SpanStartOption{
		// Not a child of what was running when the runtime was started.
		trace.WithNewRoot(),
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(append(attributes, attribute.Int("exo.attempt", info.Attempt))...),
	}
	if run := RunSpanContext(info.RunID); run.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: run}))
	}
	return t.tracer.Start(ctx, "execute "+info.Node, options...) //nolint:spancheck // the trace ends it
}

// end records the outcome of a state on its span, and ends the span.
func end(span trace.Span, o exo.Outcome) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(outcomeKey.String(o.Kind.String()))
	switch o.Kind {
	case exo.Executed:
		span.SetAttributes(attribute.Int("exo.outputs", o.Outputs))
	case exo.Errored:
		span.SetStatus(codes.Error, o.Err.Error())
		span.SetAttributes(attribute.Bool("exo.permanent", node.IsPermanent(o.Err)))
	case exo.Requeued, exo.Returned:
		span.SetAttributes(attribute.Float64("exo.after", o.After.Seconds()))
	case exo.Pruned, exo.Lost:
	}
}
