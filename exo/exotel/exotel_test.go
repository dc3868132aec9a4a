package exotel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/exotel"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

type Secret struct {
	Key exo.Secret `json:"key"`
}

const canary = "canary-of-a-secret"

// only is a graph of one node.
func only[In, Out, Sec any](n *node.Node[In, Out, Sec], in In) *exo.Graph {
	g := exo.NewGraph("only").Retry(exo.NoRetry())
	exo.Add(g, "step", n, in)
	return g
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	var requeued bool
	for _, c := range []struct {
		outcome string
		run     func(context.Context, Text, Secret) (Text, error)
		want    map[string]any
		status  codes.Code
		text    string
	}{
		{
			outcome: "executed",
			run:     func(_ context.Context, in Text, _ Secret) (Text, error) { return in, nil },
			want:    map[string]any{"exo.outputs": int64(1)},
		},
		{
			outcome: "pruned",
			run:     func(context.Context, Text, Secret) (Text, error) { return Text{}, exo.Prune(nil) },
		},
		{
			outcome: "requeued",
			run: func(_ context.Context, in Text, _ Secret) (Text, error) {
				if !requeued {
					requeued = true
					return in, exo.RequeueAfter(1500 * time.Millisecond)
				}
				return in, nil
			},
			want: map[string]any{"exo.after": 1.5},
		},
		{
			outcome: "errored",
			run: func(_ context.Context, _ Text, s Secret) (Text, error) {
				return Text{}, fmt.Errorf("refused with %s", s.Key.Reveal())
			},
			want:   map[string]any{"exo.permanent": false},
			status: codes.Error, text: "refused with [REDACTED]",
		},
		{
			outcome: "errored",
			run: func(context.Context, Text, Secret) (Text, error) {
				return Text{}, exo.Permanent(errors.New("never"))
			},
			want:   map[string]any{"exo.permanent": true},
			status: codes.Error, text: "never",
		},
		{
			outcome: "errored",
			run:     func(_ context.Context, _ Text, s Secret) (Text, error) { panic(s.Key.Reveal()) },
			want:    map[string]any{"exo.permanent": false},
			status:  codes.Error, text: "panic: [REDACTED]",
		},
		{
			outcome: "errored",
			run: func(context.Context, Text, Secret) (Text, error) {
				runtime.Goexit()
				return Text{}, nil
			},
			want:   map[string]any{"exo.permanent": false},
			status: codes.Error, text: "node called runtime.Goexit",
		},
	} {
		g := only(exo.Node("Work", c.run), Text{Text: "in"}).Secrets(map[string]string{"key": canary})
		o := observe(t, g)
		span := o.spans[0]
		want := map[string]any{
			"exo.state.id": o.result.States[0].ID, "exo.run.id": o.result.ID, "exo.graph": "only", "exo.node": "Work",
			"exo.identifier": "step", "exo.namespace": namespace, "exo.runtime": "worker",
			"exo.attempt": int64(0), "exo.outcome": c.outcome,
		}
		maps.Copy(want, c.want)
		if diff := cmp.Diff(want, attributes(span)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.outcome, diff)
		}
		if span.Name() != "execute Work" || span.SpanKind() != trace.SpanKindConsumer {
			t.Errorf("%s: span %q of kind %v", c.outcome, span.Name(), span.SpanKind())
		}
		if s := span.Status(); s.Code != c.status || s.Description != c.text {
			t.Errorf("%s: status %+v, want %v %q", c.outcome, s, c.status, c.text)
		}
		if len(span.Events()) > 0 {
			t.Errorf("%s: events %v: a raw error may hold secrets", c.outcome, span.Events())
		}
		for _, s := range o.spans {
			if text := fmt.Sprintf("%+v", s); strings.Contains(text, canary) {
				t.Errorf("%s: a secret in the span: %s", c.outcome, text)
			}
		}
		if c.outcome == "requeued" && len(o.spans) != 2 {
			t.Errorf("requeued: %d spans, want one for each execution", len(o.spans))
		}
	}
}

// TestRetries: an attempt is a span of its own, and the states of a run are
// found by what all of them link to.
func TestRetries(t *testing.T) {
	t.Parallel()
	n := exo.Node("Work", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		if exo.Info(ctx).Attempt < 2 {
			return Text{}, errors.New("not yet")
		}
		return in, nil
	})
	g := exo.NewGraph("retries").Retry(exo.RetryPolicy{MaxRetries: 2, Strategy: exo.Fixed, Backoff: time.Minute})
	exo.Add(g, "step", n, Text{Text: "in"})
	o := observe(t, g)
	if len(o.spans) != 3 {
		t.Fatalf("%d spans, want 3", len(o.spans))
	}
	traces := map[trace.TraceID]bool{}
	for i, s := range o.spans {
		if got := attributes(s)["exo.attempt"]; got != int64(i) {
			t.Errorf("span %d is of attempt %v", i, got)
		}
		if links := s.Links(); len(links) != 1 || !links[0].SpanContext.Equal(exotel.RunSpanContext(o.result.ID)) {
			t.Errorf("span %d has the links %v", i, links)
		}
		traces[s.SpanContext().TraceID()] = true
	}
	if len(traces) != 3 {
		t.Errorf("%d traces, want one for each state", len(traces))
	}
}

// TestContext: the node's own spans are children of its state's, and what the
// runtime was started in is no parent.
func TestContext(t *testing.T) {
	t.Parallel()
	var inNode trace.SpanContext
	n := exo.Node("Work", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		inNode = trace.SpanContextFromContext(ctx)
		return in, nil
	})
	o := observe(t, only(n, Text{Text: "in"}))
	if !inNode.Equal(o.spans[0].SpanContext()) {
		t.Errorf("the node saw the span %v, want %v", inNode, o.spans[0].SpanContext())
	}
	if o.spans[0].Parent().IsValid() {
		t.Errorf("the span has a parent: %v", o.spans[0].Parent())
	}
}

// TestTwoOfThem: a runtime may be observed by more than one, each with spans of
// its own, of which the node finds the last.
func TestTwoOfThem(t *testing.T) {
	t.Parallel()
	var inNode trace.SpanContext
	n := exo.Node("Work", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		inNode = trace.SpanContextFromContext(ctx)
		return in, nil
	})
	other, recorder := recording(t)
	o := observe(t, only(n, Text{Text: "in"}), exo.WithTrace(other.Trace()))
	if len(o.spans) != 1 || len(recorder.Ended()) != 1 {
		t.Fatalf("%d and %d spans, want one of each", len(o.spans), len(recorder.Ended()))
	}
	first, last := o.spans[0].SpanContext(), recorder.Ended()[0].SpanContext()
	if first.Equal(last) || !inNode.Equal(last) {
		t.Errorf("spans %v and %v; the node found %v", first, last, inNode)
	}
}

// withoutSecrets is a state manager whose secrets cannot be had.
type withoutSecrets struct{ transport.Provider }

func (m withoutSecrets) Namespace(name string) transport.Transport {
	return refusing{m.Provider.Namespace(name)}
}

type refusing struct{ transport.Transport }

func (refusing) Secrets(context.Context, string) (transport.Secrets, error) {
	return nil, &transport.Error{Op: "get secrets", Status: 404, Message: "no such state"}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	split := exo.FanOut("Split", func(context.Context, Text, exo.None) ([]Text, error) {
		return []Text{{"a"}, {"b"}, {"c"}}, nil
	})
	work := exo.Node("Work", func(_ context.Context, in Text, _ exo.None) (Text, error) {
		time.Sleep(2 * time.Second) // virtual
		if in.Text == "b" {
			return in, exo.Prune(nil)
		}
		return in, nil
	})
	g := exo.NewGraph("fan")
	first := exo.Add(g, "split", split, Text{Text: "in"})
	exo.Add(g, "work", work, Text{Text: first.Out.Text}, exo.After(first))
	o := observe(t, g, exo.WithWorkers(1))

	states, ok := o.metrics["exo.states"].(metricdata.Sum[int64])
	if !ok || !states.IsMonotonic {
		t.Fatalf("exo.states is %T", o.metrics["exo.states"])
	}
	counts := map[string]int64{}
	for _, p := range states.DataPoints {
		counts[labels(p.Attributes)] += p.Value
	}
	if diff := cmp.Diff(map[string]int64{
		"exo.node=Split exo.outcome=executed": 1,
		"exo.node=Work exo.outcome=executed":  2,
		"exo.node=Work exo.outcome=pruned":    1,
	}, counts); diff != "" {
		t.Errorf("exo.states (-want +got):\n%s", diff)
	}

	for name, want := range map[string]map[string]timed{
		"exo.state.duration": {
			"exo.node=Split exo.outcome=executed": {1, 0},
			"exo.node=Work exo.outcome=executed":  {2, 4},
			"exo.node=Work exo.outcome=pruned":    {1, 2},
		},
		// One worker: the second of three waits for 2 seconds, the third for 4.
		"exo.state.queue_wait": {"exo.node=Split": {1, 0}, "exo.node=Work": {3, 6}},
		"exo.report.duration": {
			"exo.outcome=executed exo.taken=true": {3, 0},
			"exo.outcome=pruned exo.taken=true":   {1, 0},
		},
	} {
		if diff := cmp.Diff(want, timesOf(t, o, name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if claims := timesOf(t, o, "exo.claim.duration"); claims["exo.result=states"].Count != 4 {
		t.Errorf("claims: %v, want 4 that brought a state", claims)
	}
	if sum, ok := o.metrics["exo.claims.states"].(metricdata.Sum[int64]); !ok || sum.DataPoints[0].Value != 4 {
		t.Errorf("exo.claims.states: %+v, want 4", o.metrics["exo.claims.states"])
	}
	executing, ok := o.metrics["exo.states.executing"].(metricdata.Sum[int64])
	if !ok || executing.IsMonotonic || len(executing.DataPoints) != 2 {
		t.Fatalf("exo.states.executing: %+v", o.metrics["exo.states.executing"])
	}
	for _, p := range executing.DataPoints {
		if p.Value != 0 {
			t.Errorf("%s: %d executing after the end", labels(p.Attributes), p.Value)
		}
	}
}

// TestNeverStarted: a state whose secrets cannot be had has a span, too.
func TestNeverStarted(t *testing.T) {
	t.Parallel()
	n := exo.Node("Work", func(_ context.Context, in Text, _ Secret) (Text, error) { return in, nil })
	inner := newLocal(t)
	telemetry, recorder := recording(t)
	x, err := exo.NewExecutor(namespace, "worker", []node.Any{n},
		exo.WithTrace(telemetry.Trace()), exo.WithStateManager(withoutSecrets{inner}))
	if err != nil {
		t.Fatal(err)
	}
	outcome := x.Execute(t.Context(), transport.Claimed{ID: "0123456789abcdef01234567", Node: "Work", Inputs: transport.Object(`{"text":"in"}`)})
	spans := recorder.Ended()
	if outcome.Kind != exo.Errored || len(spans) != 1 {
		t.Fatalf("%v, %d spans", outcome, len(spans))
	}
	if s := spans[0].Status(); s.Code != codes.Error || !strings.Contains(s.Description, "get secrets") {
		t.Errorf("status %+v", s)
	}
	if links := spans[0].Links(); len(links) != 0 {
		t.Errorf("links of a state of no known run: %v", links)
	}
}

// timed is the count and the sum of a histogram.
type timed struct {
	Count uint64
	Sum   float64
}

func timesOf(t *testing.T, o observed, name string) map[string]timed {
	t.Helper()
	h, ok := o.metrics[name].(metricdata.Histogram[float64])
	if !ok {
		t.Fatalf("%s is %T", name, o.metrics[name])
	}
	got := map[string]timed{}
	for _, p := range h.DataPoints {
		got[labels(p.Attributes)] = timed{p.Count, p.Sum}
	}
	return got
}

func labels(s attribute.Set) string {
	var texts []string
	for _, a := range s.ToSlice() {
		texts = append(texts, string(a.Key)+"="+a.Value.String())
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

func TestRunSpanContext(t *testing.T) {
	t.Parallel()
	const id = "9F1B0C6E-2d3a-4c5b-8e7f-0123456789ab"
	c := exotel.RunSpanContext(id)
	if got := c.TraceID().String(); got != "9f1b0c6e2d3a4c5b8e7f0123456789ab" {
		t.Errorf("the trace ID of run %s is %s", id, got)
	}
	if !c.IsValid() || !c.IsRemote() || c.IsSampled() {
		t.Errorf("%+v: not valid, remote and unsampled", c)
	}
	if !c.Equal(exotel.RunSpanContext(strings.ToLower(id))) {
		t.Error("the spelling of the UUID matters")
	}
	for _, other := range []string{"run 1", "run 2", "abc", strings.Repeat("0", 34)} {
		if d := exotel.RunSpanContext(other); !d.IsValid() || d.Equal(c) || d.Equal(exotel.RunSpanContext(other+"x")) {
			t.Errorf("%q: %+v", other, d)
		}
	}
	if exotel.RunSpanContext("").IsValid() {
		t.Error("no run has a span context")
	}
}
