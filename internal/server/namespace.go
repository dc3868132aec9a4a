package server

import (
	"context"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// A View presents a server as a [transport.Provider], by direct calls. The
// fields other than Server are for test doubles.
type View struct {
	Server *Server

	// Before, if not nil, is called before every call with its name, the
	// [transport.Error.Op] of its errors. If Before returns an error, the call
	// is not made and fails with that error.
	Before func(op string) error

	// Registered, if not nil, is called after nodes were registered.
	Registered func(namespace, runtime string, nodes []transport.NodeSpec)
}

// namespace is the transport of one namespace without extensions. It still
// implements [transport.Extender], to say that there are none.
type namespace struct {
	v    *View
	s    *Server
	name string
}

// extendedNamespace adds the calls of protocol.md §13.
type extendedNamespace struct{ namespace }

var (
	_ transport.Provider        = (*View)(nil)
	_ transport.NamespaceLister = (*View)(nil)
	_ transport.Transport       = (*namespace)(nil)
	_ transport.TriggerCanceler = (*namespace)(nil)
	_ transport.Extender        = (*namespace)(nil)
	_ transport.Transport       = (*extendedNamespace)(nil)
	_ transport.Heartbeater     = (*extendedNamespace)(nil)
	_ transport.StoreBackend    = (*extendedNamespace)(nil)
	_ transport.Canceler        = (*extendedNamespace)(nil)
	_ transport.RunReader       = (*extendedNamespace)(nil)
	_ transport.TriggerCanceler = (*extendedNamespace)(nil)
	_ transport.Extender        = (*extendedNamespace)(nil)
)

// Namespace returns the transport of a namespace. With extensions it implements
// every optional interface of package transport except
// [transport.BatchReporter]. Without, it implements only those to cancel
// triggers and to list extensions.
func (v *View) Namespace(name string) transport.Transport {
	n := namespace{v: v, s: v.Server, name: name}
	if !v.Server.Extended() {
		return &n
	}
	return &extendedNamespace{n}
}

// Namespaces lists the namespaces that hold nodes, graphs or runs.
func (v *View) Namespaces(ctx context.Context) ([]string, error) {
	n := namespace{v: v, s: v.Server}
	return within(ctx, &n, "namespaces", func() ([]string, error) { return n.s.Namespaces(), nil })
}

// closed is the error of a call after Close. It is not temporary.
func closed(op string) error {
	return &transport.Error{Op: op, Status: http.StatusGone, Message: ErrClosed.Error(), Err: ErrClosed}
}

// ended is the error of a call whose context ended.
func ended(op string, cause error) error {
	return &transport.Error{Op: op, Message: cause.Error(), Err: cause}
}

// begin begins a call. Leave ends it.
func (n *namespace) begin(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return ended(op, err)
	}
	if n.v.Before != nil {
		if err := n.v.Before(op); err != nil {
			return err
		}
	}
	if !n.s.Enter() {
		return closed(op)
	}
	return nil
}

// within runs f as a call.
func within[T any](ctx context.Context, n *namespace, op string, f func() (T, error)) (T, error) {
	if err := n.begin(ctx, op); err != nil {
		var none T
		return none, err
	}
	defer n.s.Leave()
	return f()
}

// do is within without a result.
func do(ctx context.Context, n *namespace, op string, f func() error) error {
	if err := n.begin(ctx, op); err != nil {
		return err
	}
	defer n.s.Leave()
	return f()
}

func (n *namespace) Register(ctx context.Context, runtime string, nodes []transport.NodeSpec) error {
	return do(ctx, n, "register", func() error {
		err := n.s.Register(ctx, n.name, runtime, nodes)
		if err == nil && n.v.Registered != nil {
			n.v.Registered(n.name, runtime, nodes)
		}
		return err
	})
}

func (n *namespace) Claim(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
	return within(ctx, n, "claim", func() ([]transport.Claimed, error) { return n.s.Claim(ctx, n.name, req) })
}

func (n *namespace) Report(ctx context.Context, reports []transport.Report) []error {
	if err := n.begin(ctx, "report"); err != nil {
		return slices.Repeat([]error{err}, len(reports))
	}
	defer n.s.Leave()
	if len(reports) == 1 {
		if _, err := n.s.Report(ctx, n.name, reports[0]); err != nil {
			return []error{err}
		}
		return nil
	}
	_, errs := n.s.ReportAll(ctx, n.name, reports)
	for _, err := range errs {
		if err != nil {
			return errs
		}
	}
	return nil
}

func (n *namespace) Secrets(ctx context.Context, stateID string) (transport.Secrets, error) {
	return within(ctx, n, "secrets", func() (transport.Secrets, error) { return n.s.Secrets(ctx, n.name, stateID) })
}

func (n *namespace) PutGraph(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
	return within(ctx, n, "upsert graph", func() (transport.GraphInfo, error) { return n.s.PutGraph(ctx, n.name, name, g) })
}

func (n *namespace) Graph(ctx context.Context, name string) (transport.GraphInfo, error) {
	return within(ctx, n, "graph", func() (transport.GraphInfo, error) { return n.s.Graph(n.name, name) })
}

func (n *namespace) Trigger(ctx context.Context, graph string, t transport.TriggerSpec) (string, error) {
	return within(ctx, n, "trigger", func() (string, error) { return n.s.Trigger(ctx, n.name, graph, t) })
}

func (n *namespace) Runs(ctx context.Context, page, size int) (transport.RunPage, error) {
	return within(ctx, n, "runs", func() (transport.RunPage, error) { return n.s.Runs(n.name, page, size) })
}

func (n *namespace) RunGraph(ctx context.Context, runID string) (transport.RunGraph, error) {
	return within(ctx, n, "run graph", func() (transport.RunGraph, error) { return n.s.RunGraph(n.name, runID) })
}

func (n *namespace) State(ctx context.Context, graph, runID, stateID string) (transport.State, error) {
	return within(ctx, n, "state detail", func() (transport.State, error) {
		return n.s.StateDetail(n.name, graph, runID, stateID)
	})
}

func (n *namespace) Retry(ctx context.Context, stateID, fanoutID string) (string, error) {
	return within(ctx, n, "manual retry", func() (string, error) { return n.s.Retry(ctx, n.name, stateID, fanoutID, false) })
}

func (n *namespace) Nodes(ctx context.Context) ([]transport.NodeInfo, error) {
	return within(ctx, n, "nodes", func() ([]transport.NodeInfo, error) { return n.s.Nodes(n.name), nil })
}

func (n *namespace) Graphs(ctx context.Context) ([]transport.GraphInfo, error) {
	return within(ctx, n, "graphs", func() ([]transport.GraphInfo, error) { return n.s.Graphs(n.name), nil })
}

func (n *namespace) CancelTriggers(ctx context.Context, graph string) (int, error) {
	return within(ctx, n, "cancel triggers", func() (int, error) { return n.s.CancelTriggers(ctx, n.name, graph) })
}

func (n *namespace) Extensions(ctx context.Context) ([]transport.Extension, error) {
	return within(ctx, n, "extensions", func() ([]transport.Extension, error) { return n.s.Extensions(), nil })
}

func (n *extendedNamespace) Heartbeat(ctx context.Context, leases map[string]string, lease time.Duration) ([]string, error) {
	return within(ctx, &n.namespace, "heartbeat", func() ([]string, error) { return n.s.Heartbeat(ctx, n.name, leases, lease) })
}

func (n *extendedNamespace) StoreAll(ctx context.Context, stateID string) (map[string]string, error) {
	return within(ctx, &n.namespace, "store", func() (map[string]string, error) { return n.s.StoreAll(n.name, stateID) })
}

func (n *extendedNamespace) StoreGet(ctx context.Context, stateID, key string) (value string, ok bool, err error) {
	err = do(ctx, &n.namespace, "store get", func() (err error) {
		value, ok, err = n.s.StoreGet(n.name, stateID, key)
		return err
	})
	return value, ok, err
}

func (n *extendedNamespace) StoreSet(ctx context.Context, stateID, key, value string) error {
	return do(ctx, &n.namespace, "store set", func() error { return n.s.StoreSet(ctx, n.name, stateID, key, value) })
}

func (n *extendedNamespace) StoreSwap(ctx context.Context, stateID, key string, old *string, value string) (bool, error) {
	return within(ctx, &n.namespace, "store swap", func() (bool, error) { return n.s.StoreSwap(ctx, n.name, stateID, key, old, value) })
}

func (n *extendedNamespace) StoreDelete(ctx context.Context, stateID, key string) error {
	return do(ctx, &n.namespace, "store delete", func() error { return n.s.StoreDelete(ctx, n.name, stateID, key) })
}

func (n *extendedNamespace) CancelRun(ctx context.Context, runID string) error {
	return do(ctx, &n.namespace, "cancel run", func() error { return n.s.CancelRun(ctx, n.name, runID) })
}

func (n *extendedNamespace) RunInfo(ctx context.Context, runID string) (transport.RunInfo, error) {
	return within(ctx, &n.namespace, "run", func() (transport.RunInfo, error) {
		info, _, err := n.s.Run(ctx, n.name, runID, 0, statemanager.Part{})
		return info, err
	})
}

func (n *extendedNamespace) Run(ctx context.Context, runID string, wait time.Duration) (info transport.RunInfo, states []transport.State, err error) {
	const op = "run"
	err = do(ctx, &n.namespace, op, func() (err error) {
		part := statemanager.Part{Most: math.MaxInt}
		if wait <= 0 {
			part.MostPending = math.MaxInt
		}
		info, states, err = n.s.Run(ctx, n.name, runID, wait, part)
		return err
	})
	if err == nil && ctx.Err() != nil {
		return transport.RunInfo{}, nil, ended(op, ctx.Err())
	}
	return info, states, err
}
