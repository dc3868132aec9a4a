package exotel

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// TestTwice: of two executions of one state the one that has returned is ended,
// and the older of two that have.
func TestTwice(t *testing.T) {
	t.Parallel()
	var s spans
	k := key{state: "0123456789abcdef01234567"}
	if _, ok := s.take(k); ok {
		t.Error("took a span that nobody began")
	}
	a, b := &named{name: "a"}, &named{name: "b"}
	first, second := s.add(k, a), s.add(k, b)
	if _, ok := s.take(k); ok {
		t.Error("took the span of a node that has not returned")
	}
	s.returned(second)
	if got, _ := s.take(k); got != trace.Span(b) {
		t.Errorf("took %v, want that which has returned", got)
	}
	third := s.add(k, b)
	s.returned(third)
	s.returned(first)
	if got, _ := s.take(k); got != trace.Span(a) {
		t.Errorf("took %v, want the older", got)
	}
	if got, _ := s.take(k); got != trace.Span(b) || len(s.byKey) != 0 {
		t.Errorf("took %v, and %d remain", got, len(s.byKey))
	}
}

// TestReturned: a span can be taken from when its node has returned, whatever
// way, and no sooner.
func TestReturned(t *testing.T) {
	t.Parallel()
	telemetry, err := New()
	if err != nil {
		t.Fatal(err)
	}
	info := node.Info{StateID: "0123456789abcdef01234567"}
	handler := telemetry.middleware(func(context.Context, *node.Request) ([]transport.Object, error) {
		if _, ok := telemetry.spans.take(keyOf(info)); ok {
			t.Error("taken while the node runs")
		}
		panic("the node's")
	})
	func() {
		defer func() { _ = recover() }()
		_, _ = handler(t.Context(), &node.Request{Info: info})
	}()
	if _, ok := telemetry.spans.take(keyOf(info)); !ok {
		t.Error("not there after the node has panicked")
	}
}

type named struct {
	noop.Span
	name string
}
