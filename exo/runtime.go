package exo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
	"go.uber.org/zap"
)

// A Runtime claims states from a state manager and executes them. It is safe
// for concurrent use.
//
// Every state that it claims is executed at least once, and its outcome counts
// once. A node's side effects may happen twice: see [node.Info] for keys that
// make them idempotent.
type Runtime struct {
	namespace string
	name      string
	transport transport.Transport
	store     transport.StoreBackend // nil if the transport has none
	nodes     map[string]*servedNode
	specs     []transport.NodeSpec
	config    *runtimeConfig
	log       *zap.Logger

	begun    atomic.Bool
	ready    chan struct{}   // closed once registered
	stopped  context.Context //nolint:containedctx // ends with Shutdown
	stop     context.CancelFunc
	aborted  context.Context //nolint:containedctx // ends with Close
	abort    context.CancelFunc
	draining atomic.Bool   // Run claims no more
	done     chan struct{} // closed when Run has returned

	registered registration

	slots    *slots
	held     *held
	reporter *reporter
	workers  *workers
	counters counters
}

// servedNode is a node as the runtime executes it.
type servedNode struct {
	node    node.Any
	handler node.Handler
	plain   bool // no middleware: outputs come directly from the node's codec
	secrets bool // it declares secrets
}

// NewRuntime checks its arguments and returns a runtime with that name for the
// nodes of a namespace. It does no I/O.
func NewRuntime(namespace, name string, nodes []node.Any, opts ...RuntimeOption) (*Runtime, error) {
	config, err := newRuntimeConfig(opts)
	errs := []error{err}
	for _, n := range []struct{ what, name string }{{"namespace", namespace}, {"name", name}} {
		if strings.TrimSpace(n.name) == "" {
			errs = append(errs, fmt.Errorf("%s is empty", n.what))
		}
	}
	if len(nodes) == 0 {
		errs = append(errs, errors.New("no nodes to serve"))
	}
	served := make(map[string]*servedNode, len(nodes))
	specs := make([]transport.NodeSpec, 0, len(nodes))
	for i, n := range nodes {
		if n == nil {
			errs = append(errs, fmt.Errorf("node %d is nil", i))
			continue
		}
		if n.Namespace() != "" {
			errs = append(errs, fmt.Errorf("node %q is Remote: the runtimes of namespace %q serve it", n.Name(), n.Namespace()))
			continue
		}
		if served[n.Name()] != nil {
			errs = append(errs, fmt.Errorf("duplicate node %q", n.Name()))
			continue
		}
		handler := n.Execute
		for _, m := range slices.Backward(config.middleware) {
			handler = m(handler)
		}
		spec := n.Spec()
		served[n.Name()] = &servedNode{node: n, handler: handler, plain: len(config.middleware) == 0, secrets: len(spec.Secrets) > 0}
		specs = append(specs, spec)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("exo: new runtime: %w", err)
	}
	r := &Runtime{
		namespace: namespace,
		name:      name,
		transport: config.sm.Namespace(namespace),
		nodes:     served,
		specs:     specs,
		config:    config,
		log:       config.logger.With(zap.String("namespace", namespace), zap.String("runtime", name)),
		ready:     make(chan struct{}),
		done:      make(chan struct{}),
		slots:     newSlots(config.workers, nodes),
		held:      newHeld(),
	}
	r.store, _ = r.transport.(transport.StoreBackend)
	if _, ok := r.transport.(transport.Heartbeater); !ok {
		config.lease = 0 // a lease that cannot be extended would be lost
	}
	r.stopped, r.stop = context.WithCancel(context.Background())
	r.aborted, r.abort = context.WithCancel(context.Background())
	r.registered.wait = retry.NewBackoff()
	r.reporter = newReporter(r)
	r.workers = newWorkers(config.workers, r.execute)
	return r, nil
}

// Run registers the nodes, then claims and executes states until ctx ends.
//
// Then it drains: it claims no more, waits for the executing nodes, and returns
// nil when every outcome has been reported. The nodes' contexts do not end with
// ctx but with [WithDrainTimeout]; if that passes first, Run returns an error
// that is [ErrDrainTimeout]. Run never leaves a state claimed but unstarted,
// unless the state manager does not respond to the last claim within the time
// of a drain; those states come back when their leases end.
//
// Run fails if the state manager refuses the registration permanently, for example
// with [transport.ErrUnauthorized]. While it cannot be reached, Run keeps
// trying. Run can be called only once; after that, or after [Runtime.Shutdown],
// it returns [ErrRuntimeClosed].
func (r *Runtime) Run(ctx context.Context) error {
	if !r.begun.CompareAndSwap(false, true) {
		return ErrRuntimeClosed
	}
	defer close(r.done)
	if r.stopped.Err() != nil {
		return ErrRuntimeClosed
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.stopped, cancel)()

	if err := r.register(running); err != nil || running.Err() != nil {
		return err
	}
	close(r.ready)
	r.log.Info("runtime ready", zap.Int("nodes", len(r.nodes)), zap.Int("workers", r.config.workers), zap.String("version", transport.Version()))

	draining, release := outlasting(running, r.config.drainTimeout)
	defer release()
	defer context.AfterFunc(r.aborted, release)()

	beating, stopBeating := context.WithCancel(context.WithoutCancel(ctx))
	var heartbeats sync.WaitGroup
	heartbeats.Go(func() { r.heartbeat(beating) })

	// Nodes outlive ctx: they end when they are done, or when the drain does.
	r.claimUntil(running, context.WithoutCancel(ctx))
	r.draining.Store(true)
	r.workers.close()
	err := r.drain(draining)

	stopBeating()
	heartbeats.Wait()
	r.log.Info("runtime stopped", zap.Error(err))
	return err
}

// Serve creates a runtime and runs it. Many a main function needs nothing else.
func Serve(ctx context.Context, namespace, name string, nodes []node.Any, opts ...RuntimeOption) error {
	r, err := NewRuntime(namespace, name, nodes, opts...)
	if err != nil {
		return err
	}
	return r.Run(ctx)
}

// Shutdown starts the drain without ending Run's context. It waits until Run
// has returned, or until ctx ends and then returns the error of ctx. It may be
// called from any goroutine, more than once, and before Run, which then does
// not start.
func (r *Runtime) Shutdown(ctx context.Context) error {
	r.stop()
	if !r.begun.Load() {
		return nil
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close stops the runtime as if [WithDrainTimeout] had passed: it cancels the
// contexts of executing nodes, requeues their states, and returns once Run has
// returned, which is soon. It may be called while Shutdown waits.
func (r *Runtime) Close() {
	r.stop()
	r.abort()
	if r.begun.Load() {
		<-r.done
	}
}

// Logger returns the logger of [WithLogger] with the namespace and the name of
// the runtime.
func (r *Runtime) Logger() *zap.Logger { return r.log }

// Ready returns a channel that is closed once the nodes are registered.
func (r *Runtime) Ready() <-chan struct{} { return r.ready }
