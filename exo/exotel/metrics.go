package exotel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
)

const (
	nodeKey    = attribute.Key("exo.node")
	outcomeKey = attribute.Key("exo.outcome")
	resultKey  = attribute.Key("exo.result")
	takenKey   = attribute.Key("exo.taken")
)

// metrics are the instruments that the package comment lists.
type metrics struct {
	states        metric.Int64Counter
	duration      metric.Float64Histogram
	queueWait     metric.Float64Histogram
	inFlight      metric.Int64UpDownCounter
	claimedStates metric.Int64Counter
	claims        metric.Float64Histogram
	reports       metric.Float64Histogram
}

// Bounds of histograms, in seconds: from what an idle state manager takes to
// what nodes that wait for others do.
func bounds() metric.HistogramOption {
	return metric.WithExplicitBucketBoundaries(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
}

func newMetrics(m metric.Meter) (*metrics, error) {
	var errs [7]error
	made := &metrics{}
	made.states, errs[0] = m.Int64Counter("exo.states", metric.WithUnit("{state}"),
		metric.WithDescription("States executed, by outcome."))
	made.duration, errs[1] = m.Float64Histogram("exo.state.duration", metric.WithUnit("s"), bounds(),
		metric.WithDescription("Time that a state spent in its node."))
	made.queueWait, errs[2] = m.Float64Histogram("exo.state.queue_wait", metric.WithUnit("s"), bounds(),
		metric.WithDescription("Time from a state's creation until its node starts."))
	made.inFlight, errs[3] = m.Int64UpDownCounter("exo.states.executing", metric.WithUnit("{state}"),
		metric.WithDescription("States under execution."))
	made.claimedStates, errs[4] = m.Int64Counter("exo.claims.states", metric.WithUnit("{state}"),
		metric.WithDescription("States claimed."))
	made.claims, errs[5] = m.Float64Histogram("exo.claim.duration", metric.WithUnit("s"), bounds(),
		metric.WithDescription("Time that a claim took, the state manager's waiting included."))
	made.reports, errs[6] = m.Float64Histogram("exo.report.duration", metric.WithUnit("s"), bounds(),
		metric.WithDescription("Time from a node's end until its outcome was taken, or given up."))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("exotel: make instruments: %w", err)
	}
	return made, nil
}

func (m *metrics) started(ctx context.Context, info node.Info) {
	of := metric.WithAttributeSet(attribute.NewSet(nodeKey.String(info.Node)))
	m.inFlight.Add(ctx, 1, of)
	if info.CreatedAt.IsZero() {
		return
	}
	wait := max(time.Since(info.CreatedAt), 0) // the clock is another machine's
	m.queueWait.Record(ctx, wait.Seconds(), of)
}

func (m *metrics) finished(ctx context.Context, info node.Info, o exo.Outcome, took time.Duration) {
	m.inFlight.Add(ctx, -1, metric.WithAttributeSet(attribute.NewSet(nodeKey.String(info.Node))))
	of := metric.WithAttributeSet(attribute.NewSet(nodeKey.String(info.Node), outcomeKey.String(o.Kind.String())))
	m.states.Add(ctx, 1, of)
	m.duration.Record(ctx, took.Seconds(), of)
}

func (m *metrics) claimed(_, got int, took time.Duration, err error) {
	result := "states"
	switch {
	case err != nil:
		result = "error"
	case got == 0:
		result = "none"
	}
	ctx := context.Background()
	m.claimedStates.Add(ctx, int64(got))
	m.claims.Record(ctx, took.Seconds(), metric.WithAttributeSet(attribute.NewSet(resultKey.String(result))))
}

// reported tells outcomes apart but not nodes: a state manager may hand out
// states of nodes that are not registered here, whose names have no bound.
func (m *metrics) reported(ctx context.Context, _ node.Info, o exo.Outcome, took time.Duration, err error) {
	m.reports.Record(ctx, took.Seconds(), metric.WithAttributeSet(
		attribute.NewSet(outcomeKey.String(o.Kind.String()), takenKey.Bool(err == nil))))
}
