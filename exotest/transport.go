package exotest

import (
	"context"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// namespace is the transport of one namespace, without extensions but for
// [transport.Extender], which says that there are none.
type namespace struct {
	m    *StateManager
	name string
	calm bool // it is the driver's own
}

// extendedNamespace has the extensions of protocol.md §13 as well.
type extendedNamespace struct{ namespace }

var (
	_ transport.Transport       = (*namespace)(nil)
	_ transport.TriggerCanceler = (*namespace)(nil)
	_ transport.Extender        = (*namespace)(nil)
	_ transport.Transport       = (*extendedNamespace)(nil)
	_ transport.Heartbeater     = (*extendedNamespace)(nil)
	_ transport.StoreBackend    = (*extendedNamespace)(nil)
	_ transport.Canceler        = (*extendedNamespace)(nil)
	_ transport.RunReader       = (*extendedNamespace)(nil)
)

func (m *StateManager) transport(name string, calm bool) transport.Transport {
	n := namespace{m: m, name: name, calm: calm}
	if m.config.withoutExtensions {
		return &n
	}
	return &extendedNamespace{n}
}

// A view is the state manager without [WithFaults], which are before it, and if it
// is calm also without [StateManager.FailNext].
type view struct {
	m    *StateManager
	calm bool
}

func (v view) Namespace(name string) transport.Transport { return v.m.transport(name, v.calm) }

func (v view) Namespaces(ctx context.Context) ([]string, error) {
	return call(ctx, &namespace{m: v.m}, "namespaces", func(time.Time) ([]string, error) { return v.m.engine.Namespaces(), nil })
}

// call is a call of the transport that f makes.
func call[T any](ctx context.Context, n *namespace, op string, f func(now time.Time) (T, error)) (T, error) {
	v, err := attempt(ctx, n, op, func() (T, error) { return f(n.m.clock.now()) })
	n.m.rearm()
	return v, err
}

// do is call without a result.
func do(ctx context.Context, n *namespace, op string, f func(now time.Time) error) error {
	_, err := call(ctx, n, op, func(now time.Time) (struct{}, error) { return struct{}{}, f(now) })
	return err
}

// ended is the error of a call whose context ended.
func ended(op string, cause error) error {
	return &transport.Error{Op: op, Message: cause.Error(), Err: cause}
}

func (n *namespace) Register(ctx context.Context, runtime string, nodes []transport.NodeSpec) error {
	return do(ctx, n, "register", func(now time.Time) error {
		if err := n.m.engine.Register(now, n.name, runtime, nodes); err != nil {
			return err
		}
		n.m.nodes.takeOver(n.name, runtime, nodes)
		return nil
	})
}

// Claim leaves out what a state manager without extensions knows nothing of.
func (n *namespace) Claim(ctx context.Context, req transport.ClaimRequest) ([]transport.State, error) {
	req.Wait, req.Lease = 0, 0
	states, err := n.claim(ctx, req)
	for i := range states {
		withoutExtensions(&states[i])
	}
	return states, err
}

func withoutExtensions(s *transport.State) {
	s.Graph, s.RunID, s.Attempt, s.Lease, s.Token = "", "", 0, 0, ""
}

// Report knows nothing of permanent failures without extensions.
func (n *namespace) Report(ctx context.Context, reports []transport.Report) []error {
	reports = slices.Clone(reports)
	for i := range reports {
		if o, ok := reports[i].Outcome.(transport.Errored); ok {
			o.Permanent = false
			reports[i].Outcome = o
		}
	}
	return n.report(ctx, reports)
}

func (n *namespace) report(ctx context.Context, reports []transport.Report) []error {
	errs, err := call(ctx, n, "report", func(now time.Time) ([]error, error) {
		_, errs := n.m.engine.ReportAll(now, n.name, reports)
		return errs, nil
	})
	if err != nil {
		return slices.Repeat([]error{err}, len(reports))
	}
	for _, err := range errs {
		if err != nil {
			return errs
		}
	}
	return nil
}

func (n *namespace) Secrets(ctx context.Context, stateID string) (transport.Secrets, error) {
	return call(ctx, n, "secrets", func(now time.Time) (transport.Secrets, error) { return n.m.engine.Secrets(now, n.name, stateID) })
}

func (n *namespace) PutGraph(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphStatus, error) {
	return call(ctx, n, "upsert graph", func(now time.Time) (transport.GraphStatus, error) {
		return n.m.engine.PutGraph(now, n.name, name, g)
	})
}

func (n *namespace) Graph(ctx context.Context, name string) (transport.GraphStatus, error) {
	return call(ctx, n, "graph", func(time.Time) (transport.GraphStatus, error) { return n.m.engine.Graph(n.name, name) })
}

func (n *namespace) Trigger(ctx context.Context, graph string, t transport.TriggerSpec) (string, error) {
	return call(ctx, n, "trigger", func(now time.Time) (string, error) { return n.m.engine.Trigger(now, n.name, graph, t) })
}

func (n *namespace) Runs(ctx context.Context, page, size int) (transport.RunPage, error) {
	return call(ctx, n, "runs", func(time.Time) (transport.RunPage, error) { return n.m.engine.Runs(n.name, page, size) })
}

func (n *namespace) RunGraph(ctx context.Context, runID string) (transport.RunGraph, error) {
	return call(ctx, n, "run graph", func(time.Time) (transport.RunGraph, error) { return n.m.engine.RunGraph(n.name, runID) })
}

func (n *namespace) StateDetail(ctx context.Context, graph, runID, stateID string) (transport.StateDetail, error) {
	return call(ctx, n, "state detail", func(time.Time) (transport.StateDetail, error) {
		return n.m.engine.StateDetail(n.name, graph, runID, stateID)
	})
}

func (n *namespace) Retry(ctx context.Context, stateID, fanoutID string) (string, error) {
	return call(ctx, n, "manual retry", func(now time.Time) (string, error) {
		return n.m.engine.Retry(now, n.name, stateID, fanoutID, false)
	})
}

func (n *namespace) Nodes(ctx context.Context) ([]transport.NodeInfo, error) {
	return call(ctx, n, "nodes", func(time.Time) ([]transport.NodeInfo, error) { return n.m.engine.Nodes(n.name), nil })
}

func (n *namespace) Graphs(ctx context.Context) ([]transport.GraphStatus, error) {
	return call(ctx, n, "graphs", func(time.Time) ([]transport.GraphStatus, error) { return n.m.engine.Graphs(n.name), nil })
}

func (n *namespace) CancelTriggers(ctx context.Context, graph string) (int, error) {
	return call(ctx, n, "cancel triggers", func(now time.Time) (int, error) { return n.m.engine.CancelTriggers(now, n.name, graph) })
}

func (n *namespace) Extensions(ctx context.Context) ([]transport.Extension, error) {
	return call(ctx, n, "extensions", func(time.Time) ([]transport.Extension, error) {
		if n.m.config.withoutExtensions {
			return nil, nil
		}
		return []transport.Extension{
			transport.ExtensionWait, transport.ExtensionLease, transport.ExtensionReport, transport.ExtensionStore,
			transport.ExtensionRun, transport.ExtensionCancel, transport.ExtensionAttempt, transport.ExtensionCollect,
		}, nil
	})
}

func (n *extendedNamespace) Claim(ctx context.Context, req transport.ClaimRequest) ([]transport.State, error) {
	return n.claim(ctx, req)
}

func (n *extendedNamespace) Report(ctx context.Context, reports []transport.Report) []error {
	return n.report(ctx, reports)
}

func (n *extendedNamespace) Heartbeat(ctx context.Context, leases map[string]string, lease time.Duration) ([]string, error) {
	return call(ctx, &n.namespace, "heartbeat", func(now time.Time) ([]string, error) {
		return n.m.engine.Heartbeat(now, n.name, leases, lease), nil
	})
}

func (n *extendedNamespace) StoreAll(ctx context.Context, stateID string) (map[string]string, error) {
	return call(ctx, &n.namespace, "store", func(time.Time) (map[string]string, error) { return n.m.engine.StoreAll(n.name, stateID) })
}

func (n *extendedNamespace) StoreGet(ctx context.Context, stateID, key string) (value string, ok bool, err error) {
	value, err = call(ctx, &n.namespace, "store get", func(time.Time) (v string, err error) {
		v, ok, err = n.m.engine.StoreGet(n.name, stateID, key)
		return v, err
	})
	return value, ok && err == nil, err
}

func (n *extendedNamespace) StoreSet(ctx context.Context, stateID, key, value string) error {
	return do(ctx, &n.namespace, "store set", func(now time.Time) error { return n.m.engine.StoreSet(now, n.name, stateID, key, value) })
}

func (n *extendedNamespace) StoreSwap(ctx context.Context, stateID, key string, old *string, value string) (bool, error) {
	return call(ctx, &n.namespace, "store swap", func(now time.Time) (bool, error) {
		return n.m.engine.StoreSwap(now, n.name, stateID, key, old, value)
	})
}

func (n *extendedNamespace) StoreDelete(ctx context.Context, stateID, key string) error {
	return do(ctx, &n.namespace, "store delete", func(now time.Time) error { return n.m.engine.StoreDelete(now, n.name, stateID, key) })
}

func (n *extendedNamespace) CancelRun(ctx context.Context, runID string) error {
	return do(ctx, &n.namespace, "cancel run", func(now time.Time) error { return n.m.engine.CancelRun(now, n.name, runID) })
}

func (n *extendedNamespace) Run(ctx context.Context, runID string, wait time.Duration) (transport.RunInfo, []transport.StateDetail, error) {
	var states []transport.StateDetail
	info, err := attempt(ctx, &n.namespace, "run", func() (info transport.RunInfo, err error) {
		if err := n.awaitRun(ctx, runID, wait); err != nil {
			return info, err
		}
		info, states, err = n.m.engine.Run(n.name, runID)
		return info, err
	})
	n.m.rearm()
	return info, states, err
}
