// Package here is what the small examples have in common: all that it takes to
// run a graph, in this process. It is short enough to be copied.
package here

import (
	"context"
	"errors"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

// namespace is where the nodes and graphs of the examples live.
const namespace = "examples"

// Start serves the nodes of g by a state manager and a runtime in this process,
// writes g, and returns a client. stop ends it all, and returns when it is ended.
func Start(ctx context.Context, g *exo.Graph) (client *exo.StateManager, stop func(), err error) {
	// The state manager. With exo.WithURL in place of WithStateManager, the rest
	// works against a state manager elsewhere.
	sm := local.New()
	where, quiet := exo.WithStateManager(sm), exo.WithLogger(zap.NewNop())
	end := func() { _ = sm.Close() }
	defer func() {
		if err != nil {
			end()
		}
	}()

	// The runtime, which executes nodes. It registers them first: the state
	// manager takes only graphs of nodes that it knows.
	rt, err := exo.NewRuntime(namespace, g.Name(), g.Nodes(), where, quiet)
	if err != nil {
		return nil, nil, err
	}
	served := make(chan error, 1)
	go func() { served <- rt.Run(ctx) }()
	end = func() {
		_ = rt.Shutdown(context.WithoutCancel(ctx)) // what is under way ends well
		_ = sm.Close()
	}
	select {
	case <-rt.Ready():
	case err := <-served:
		return nil, nil, errors.Join(err, ctx.Err())
	}

	// The client, which says what is to be done.
	client, err = exo.NewStateManager(namespace, where, quiet)
	if err != nil {
		return nil, nil, err
	}
	if _, err := client.UpsertGraph(ctx, g); err != nil {
		return nil, nil, err
	}
	return client, end, nil
}

// Run starts g, triggers it once, and waits for the run. A run that fails is an
// error that says which states failed, and why.
func Run(ctx context.Context, g *exo.Graph, trigger exo.TriggerOptions) (*exo.RunResult, error) {
	client, stop, err := Start(ctx, g)
	if err != nil {
		return nil, err
	}
	defer stop()
	run, err := client.Trigger(ctx, g.Name(), trigger)
	if err != nil {
		return nil, err
	}
	result, err := run.Wait(ctx)
	if err != nil {
		return nil, err
	}
	return result, result.Err()
}

// Output is the output of a step that runs once.
func Output[Out any](result *exo.RunResult, step *exo.Step[Out]) (Out, error) {
	outputs, err := exo.Outputs(result, step)
	if err == nil && len(outputs) != 1 {
		err = errors.New("step " + step.ID() + " did not run once")
	}
	if err != nil {
		var none Out
		return none, err
	}
	return outputs[0], nil
}
