package exo_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

// reports is a state manager that only takes reports, once it has refused some.
type reports struct {
	transport.Unimplemented
	refusals []error
	taken    []transport.Outcome
}

func (r *reports) Namespace(string) transport.Transport { return r }

func (r *reports) Report(_ context.Context, rs []transport.Report) []error {
	if len(r.refusals) > 0 {
		err := r.refusals[0]
		r.refusals = r.refusals[1:]
		return []error{err}
	}
	r.taken = append(r.taken, rs[0].Outcome)
	return nil
}

func TestExecutor(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	away := &transport.Error{Op: "report", Message: "away"}
	tooLarge := &transport.Error{Op: "report", Status: http.StatusRequestEntityTooLarge, Message: "too large"}
	ok := func(context.Context) error { return nil }
	out := transport.Executed{Outputs: []transport.Object{transport.Object(`{"text":"in"}`)}, Checked: true}
	for name, test := range map[string]struct {
		do       func(context.Context) error
		node     string // "": the one that is served
		refusals []error
		kind     exo.OutcomeKind
		taken    []transport.Outcome
	}{
		"output":             {do: ok, kind: exo.Executed, taken: []transport.Outcome{out}},
		"no answer at first": {do: ok, refusals: []error{away, away}, kind: exo.Executed, taken: []transport.Outcome{out}},
		"refused for good":   {do: ok, refusals: []error{transport.ErrConflict}, kind: exo.Executed},
		"never an answer":    {do: ok, refusals: []error{away, away, away, away, away}, kind: exo.Executed},
		"error":              {do: func(context.Context) error { return boom }, kind: exo.Errored, taken: []transport.Outcome{transport.Errored{Message: "boom"}}},
		"panic":              {do: func(context.Context) error { panic("oh no") }, kind: exo.Errored, taken: []transport.Outcome{transport.Errored{Message: "panic: oh no"}}},
		"goexit":             {do: func(context.Context) error { runtime.Goexit(); return nil }, kind: exo.Errored, taken: []transport.Outcome{transport.Errored{Message: "node called runtime.Goexit"}}},
		"requeue":            {do: func(context.Context) error { return exo.RequeueAfter(time.Hour) }, kind: exo.Requeued, taken: []transport.Outcome{transport.Requeued{After: time.Hour}}},
		"a node of others":   {do: ok, node: "Other", kind: exo.Returned, taken: []transport.Outcome{transport.Requeued{After: time.Second}}},
		"outputs are not taken": {do: ok, refusals: []error{tooLarge}, kind: exo.Errored, taken: []transport.Outcome{
			transport.Errored{Message: "state manager refuses the outputs: report: too large", Permanent: true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sm := &reports{refusals: test.refusals}
			var info node.Info
			n := exo.Node("Do", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
				info = exo.Info(ctx)
				return in, test.do(ctx)
			})
			x, err := exo.NewExecutor(namespace, "tool", exo.Nodes(n), exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()),
				exo.WithReportBackoff(func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 4) }))
			if err != nil {
				t.Fatal(err)
			}
			s := transport.Claimed{ID: "1", Node: "Do", Identifier: "step", Inputs: transport.Object(`{"text":"in"}`), Attempt: 2}
			if test.node != "" {
				s.Node = test.node
			}
			if got := x.Execute(t.Context(), s); got.Kind != test.kind {
				t.Errorf("%v %v, want %v", got.Kind, got.Err, test.kind)
			}
			if diff := cmp.Diff(test.taken, sm.taken); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			want := node.Info{StateID: "1", Node: "Do", Identifier: "step", Namespace: namespace, Runtime: "tool", Attempt: 2}
			if test.node == "" && info != want {
				t.Errorf("info %+v, want %+v", info, want)
			}
		})
	}
}

func TestExecutorPutsBackWhatItHasNoWorkerFor(t *testing.T) {
	t.Parallel()
	sm := &reports{}
	var x *exo.Executor
	var inner exo.Outcome
	s := transport.Claimed{ID: "1", Node: "Do", Inputs: transport.Object(`{"text":""}`)}
	n := exo.Node("Do", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		inner = x.Execute(ctx, s)
		return in, nil
	}, exo.WithConcurrency(1))
	x, err := exo.NewExecutor(namespace, "tool", exo.Nodes(n), exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time the worker is idle again
		if outer := x.Execute(t.Context(), s); outer.Kind != exo.Executed || inner.Kind != exo.Returned {
			t.Errorf("%v, and %v while it was busy", outer.Kind, inner.Kind)
		}
	}
}

func TestNewExecutorChecksAsARuntime(t *testing.T) {
	t.Parallel()
	_, err := exo.NewExecutor("", "tool", nil, exo.WithStateManager(&reports{}), exo.WithWorkers(0))
	for _, want := range []string{"namespace", "no nodes", "WithWorkers"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not mention %q", err, want)
		}
	}
}
