package exotest

import (
	"cmp"
	"context"
	"testing"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// Run executes a node once, as a runtime does: inputs, secrets and outputs go
// through their codecs and the engine, panics become errors, limits hold, and
// signals are checked. The node's context has the Info, logger and store that it
// has in a run.
func Run[In, Out, Sec any](t testing.TB, n *node.Node[In, Out, Sec], in In, sec Sec, opts ...RunOption) *Result[Out] {
	t.Helper()
	inputs, err := n.InFields(in)
	if err != nil {
		t.Fatalf("exotest: run node %q: %v", n.Name(), err)
	}
	return run(t, n, inputs, exo.Fields(sec), opts)
}

// RunFields is Run on wire values: it tests defaults, missing and unknown
// fields, and values that are not what a typed input could hold.
func RunFields[In, Out, Sec any](t testing.TB, n *node.Node[In, Out, Sec], inputs, secrets map[string]string, opts ...RunOption) *Result[Out] {
	t.Helper()
	return run(t, n, inputs, secrets, opts)
}

func run[In, Out, Sec any](t testing.TB, n *node.Node[In, Out, Sec], inputs, secrets map[string]string, opts []RunOption) *Result[Out] {
	t.Helper()
	c := runConfig{execution: newExecution(t)}
	for _, o := range opts {
		o.applyRun(&c)
	}
	if c.info.Node != "" && c.info.Node != n.Name() {
		t.Fatalf("exotest: WithInfo is about node %q, and node %q is run", c.info.Node, n.Name())
	}
	state, err := newSingle(n.Spec(), n.InputFields(), inputs, secrets, &c)
	if err != nil {
		t.Fatalf("exotest: run node %q: %v", n.Name(), err)
	}
	var returned error
	remember := func(next node.Handler) node.Handler {
		return func(ctx context.Context, req *node.Request) ([]transport.Object, error) {
			outputs, err := next(ctx, req)
			returned = err
			return outputs, err
		}
	}
	x, err := exo.NewExecutor(
		cmp.Or(c.info.Namespace, defaultNamespace), cmp.Or(c.info.Runtime, runtimeName), exo.Nodes(n),
		exo.WithStateManager(state), exo.WithLogger(c.logger),
		exo.WithMiddleware(remember), exo.WithMiddleware(c.middleware...))
	if err != nil {
		t.Fatalf("exotest: run node %q: %v", n.Name(), err)
	}
	failed := t.Failed()
	outcome := x.Execute(c.ctx, state.shown)
	if outcome.Kind == exo.Errored && t.Failed() && !failed {
		t.FailNow() // the node did, from a goroutine of its own
	}

	r := &Result[Out]{}
	if r.Store, err = state.store(); err != nil {
		t.Fatalf("exotest: run node %q: %v", n.Name(), err)
	}
	switch o := state.reported.(type) {
	case transport.Executed:
		for _, object := range o.Outputs {
			out, err := n.DecodeOutput(object)
			if err != nil {
				t.Fatalf("exotest: %v", err)
			}
			r.Outputs = append(r.Outputs, out)
		}
	case transport.Errored:
		r.Err = newRunError(o.Message, o.Permanent, returned)
	case transport.Pruned:
		r.Pruned, r.PruneData = true, o.Data
	case transport.Requeued:
		r.RequeueAfter = o.After
	default:
		t.Fatalf("exotest: run node %q: the engine did not take the outcome %v", n.Name(), outcome.Kind)
	}
	return r
}
