package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
)

// An Instance is a state manager in this process with a runtime that serves nodes
// and a client, in one namespace: all that it takes to run graphs. It is made by
// [Start] and ended by [Instance.Close]. It is safe for concurrent use.
//
// The client is embedded: Trigger, Run, Runs, UpsertGraph and the rest are methods
// of the Instance.
type Instance struct {
	*exo.StateManager

	server    *Server
	runtime   *exo.Runtime
	ended     chan error // what the runtime's Run returned
	drainRuns bool
	closing   chan struct{} // of a capacity of one: held by the Close that works
	closed    *closed       // nil: not yet
}

// closed is what Close returned.
type closed struct{ err error }

type instanceConfig struct {
	config
	graphs    []*exo.Graph
	nodes     []node.Any
	runtime   []exo.RuntimeOption
	drainRuns bool
}

type instanceOption func(*instanceConfig)

func (o instanceOption) applyInstance(c *instanceConfig) { o(c) }

// WithGraphs writes graphs at the start, and serves their nodes. Given more than
// once, the graphs add up.
func WithGraphs(graphs ...*exo.Graph) InstanceOption {
	return instanceOption(func(c *instanceConfig) { c.graphs = append(c.graphs, graphs...) })
}

// WithNodes serves nodes beside those of [WithGraphs], such as those of graphs
// that are written later. Given more than once, the nodes add up.
func WithNodes(nodes ...node.Any) InstanceOption {
	return instanceOption(func(c *instanceConfig) { c.nodes = append(c.nodes, nodes...) })
}

// WithRuntime configures the runtime, by [exo.WithWorkers] for example. Given more
// than once, the options add up. Where the runtime connects to is not up to them.
func WithRuntime(opts ...exo.RuntimeOption) InstanceOption {
	return instanceOption(func(c *instanceConfig) { c.runtime = append(c.runtime, opts...) })
}

// DrainRuns makes [Instance.Close] wait until every run is terminal, and not only
// until no node executes.
func DrainRuns() InstanceOption {
	return instanceOption(func(c *instanceConfig) { c.drainRuns = true })
}

// Start starts a state manager and a runtime in this process, and returns when the
// nodes are registered and the graphs are written and valid. If one is not, the
// error is an [*exo.GraphInvalidError], and nothing is left running.
//
// ctx bounds the start alone; nodes get its values. The instance lives until
// [Instance.Close].
func Start(ctx context.Context, namespace string, opts ...InstanceOption) (*Instance, error) {
	c := instanceConfig{config: defaults()}
	for _, o := range opts {
		o.applyInstance(&c)
	}
	in := &Instance{
		server: c.new(), ended: make(chan error, 1), drainRuns: c.drainRuns,
		closing: make(chan struct{}, 1),
	}
	if err := in.start(ctx, namespace, &c); err != nil {
		if in.runtime != nil {
			in.runtime.Close()
		}
		_ = in.server.Close() // it has no runs but those of cron
		return nil, fmt.Errorf("local: start: %w", err)
	}
	return in, nil
}

func (in *Instance) start(ctx context.Context, namespace string, c *instanceConfig) (err error) {
	common := []exo.Option{exo.WithStateManager(in.server)}
	if c.log != nil {
		common = append(common, exo.WithLogger(c.log))
	}
	var manager []exo.ManagerOption
	runtime := c.runtime
	for _, o := range common {
		manager, runtime = append(manager, o), append(runtime, o)
	}
	if in.StateManager, err = exo.NewStateManager(namespace, manager...); err != nil {
		return err
	}
	nodes := slices.Clone(c.nodes)
	for _, g := range c.graphs {
		for _, n := range g.Nodes() {
			if !slices.Contains(nodes, n) {
				nodes = append(nodes, n)
			}
		}
	}
	rt, err := exo.NewRuntime(namespace, "local", nodes, runtime...)
	if err != nil {
		return err
	}
	in.runtime = rt
	go func() { in.ended <- rt.Run(context.WithoutCancel(ctx)) }()
	select {
	case <-rt.Ready():
	case err := <-in.ended:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var errs []error
	for _, g := range c.graphs {
		_, err := in.UpsertGraph(ctx, g)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Server is the state manager: its Handler serves it to other processes, and
// runtimes of other namespaces may use it by [exo.WithStateManager].
func (in *Instance) Server() *Server { return in.server }

// Runtime is the runtime, which has health probes and counts.
func (in *Instance) Runtime() *exo.Runtime { return in.runtime }

// drainLog is how often Close says what it waits for.
const drainLog = 10 * time.Second

// Close stops the instance. From its beginning no run starts any more: triggers
// fail with [ErrDraining], and cron triggers do not fire. With [DrainRuns], Close
// then waits until every run is terminal. In any case it lets executing nodes
// finish, as [exo.Runtime.Shutdown] does, and ends the state manager.
//
// When ctx ends, Close waits no longer: contexts of nodes are cancelled, and the
// rest follows soon. So give it a context with a timeout: a run that waits for a
// retry in an hour, or for a node that no runtime serves, takes as long. While Close
// waits for runs it logs what they wait for, every ten seconds.
//
// Runs that are not terminal at the end are gone, and the error has an
// [*UnfinishedError] that says how many they are and what they waited for. With
// DrainRuns it is also the cause of ctx. Close may be called more than once: later
// calls return the same error.
func (in *Instance) Close(ctx context.Context) error {
	in.closing <- struct{}{}
	defer func() { <-in.closing }()
	if in.closed == nil {
		in.closed = &closed{in.close(ctx)}
	}
	return in.closed.err
}

func (in *Instance) close(ctx context.Context) error {
	in.server.server.Drain()
	var errs []error
	if in.drainRuns {
		if err := in.awaitRuns(ctx); err != nil {
			errs = append(errs, fmt.Errorf("local: wait for runs: %w", err))
		}
	}
	if in.runtime.Shutdown(ctx) != nil {
		in.runtime.Close()
	}
	return errors.Join(append(errs, <-in.ended, in.server.Close())...)
}

func (in *Instance) awaitRuns(ctx context.Context) error {
	var telling sync.WaitGroup
	defer telling.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	telling.Go(func() { in.tell(ctx) })
	return in.server.server.AwaitRuns(ctx)
}

// tell logs what unfinished runs wait for, until ctx ends.
func (in *Instance) tell(ctx context.Context) {
	ticker := time.NewTicker(drainLog)
	defer ticker.Stop()
	for {
		if e := in.server.unfinished(); e != nil {
			in.runtime.Logger().Info("waiting for runs", zap.Int("runs", e.Count()), zap.Stringers("states", e.States))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// runNamespace is the namespace of Run. No one else can see it.
const runNamespace = "local"

// Run runs a graph once in this process: it starts a state manager and a runtime
// for the graph's nodes, triggers the graph, waits for the run, and ends all of
// it. The graph's cron triggers do not count.
//
// A run that fails is a result beside an error, that of [exo.RunResult.Err]. When
// ctx ends, executing nodes are cancelled and the run is gone.
func Run(ctx context.Context, g *exo.Graph, trigger exo.TriggerOptions, opts ...InstanceOption) (result *exo.RunResult, err error) {
	in, err := Start(ctx, runNamespace, append([]InstanceOption{WithGraphs(g), DrainRuns()}, opts...)...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close(ctx)) }()
	run, err := in.Trigger(ctx, g.Name(), trigger)
	if err != nil {
		return nil, err
	}
	in.server.server.Drain() // no run but this one
	result, err = run.Wait(ctx)
	if err == nil {
		err = result.Err()
	}
	return result, err
}
