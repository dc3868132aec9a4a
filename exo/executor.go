package exo

import (
	"context"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
)

// An Executor executes states that it is handed, by the same rules as a
// [Runtime] executes states that it claims: secrets, contexts, timeouts, panics,
// limits, signals, redaction, and what is done about a report that the state
// manager refuses. It is the same code. An Executor registers nothing, claims
// nothing, and has no goroutine between calls.
//
// It is for test tools, and for programs that come by their states in another
// way. It is safe for concurrent use.
type Executor struct{ runtime *Runtime }

// NewExecutor checks its arguments as [NewRuntime] does, and does no I/O.
// Options that are about claiming and draining have no effect.
func NewExecutor(namespace, name string, nodes []node.Any, opts ...RuntimeOption) (*Executor, error) {
	r, err := NewRuntime(namespace, name, nodes, opts...)
	if err != nil {
		return nil, err
	}
	r.reporter.close() // Execute reports by itself
	return &Executor{runtime: r}, nil
}

// Execute runs the node of a claimed state, in a context that descends from
// ctx, and reports the outcome. A state that is of none of the nodes, or
// that there is no idle worker for (see [WithWorkers] and [WithConcurrency]), is
// requeued.
//
// It returns once the state manager has taken the report or refused it permanently,
// which [Trace.Reported] tells apart. Until then it tries again, as
// [WithReportBackoff] says, and gives up when that or ctx ends.
func (x *Executor) Execute(ctx context.Context, s transport.Claimed) Outcome {
	r := x.runtime
	e := newExecution(r, r.nodes[s.Node], s)
	switch {
	case e.node == nil:
		r.counters.unknown(s.Node, r.log)
		e.putBack(unknownNodeAfter)
	case !r.slots.take(s.Node):
		e.putBack(putBackAfter)
	default:
		e.begin(ctx, s.Inputs)
		done := make(chan struct{})
		go func() { // one that the node may end, by runtime.Goexit
			defer close(done)
			r.execute(e)
		}()
		<-done
	}
	x.report(ctx, e)
	return e.outcome
}

// report offers an outcome until there is a response to it.
func (x *Executor) report(ctx context.Context, e *execution) {
	r := x.runtime
	wait := r.newBackoff()
	for {
		err := x.offer(ctx, e)
		if r.respond(e, err, true) == settled {
			r.reported(e)
			return
		}
		if delay := retry.Next(wait, err); delay == backoff.Stop || retry.Sleep(ctx, delay) != nil {
			return
		}
	}
}

// offer makes one attempt. The end of ctx does not cut it short: its response,
// lost, would leave open whether the report was taken.
func (x *Executor) offer(ctx context.Context, e *execution) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if errs := x.runtime.transport.Report(ctx, []transport.Report{e.report}); errs != nil {
		return errs[0]
	}
	return nil
}
