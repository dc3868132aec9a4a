package local

import (
	"context"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// namespace is the transport of one namespace, without extensions but for
// [transport.Extender], which says that there are none.
type namespace struct {
	s    *StateManager
	name string
}

var (
	_ transport.Transport       = (*namespace)(nil)
	_ transport.TriggerCanceler = (*namespace)(nil)
	_ transport.Extender        = (*namespace)(nil)
	_ transport.StateManager    = (*StateManager)(nil)
	_ transport.NamespaceLister = (*StateManager)(nil)
	_ transport.Transport       = (*extendedNamespace)(nil)
	_ transport.Heartbeater     = (*extendedNamespace)(nil)
	_ transport.StoreBackend    = (*extendedNamespace)(nil)
	_ transport.Canceler        = (*extendedNamespace)(nil)
	_ transport.RunReader       = (*extendedNamespace)(nil)
	_ transport.TriggerCanceler = (*extendedNamespace)(nil)
	_ transport.Extender        = (*extendedNamespace)(nil)
)

// begin begins a call, which s.leave ends, unless ctx has ended.
func (n *namespace) begin(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return ended(op, err)
	}
	return n.s.enter(op)
}

// within is a call that f makes.
func within[T any](ctx context.Context, n *namespace, op string, f func() (T, error)) (T, error) {
	if err := n.begin(ctx, op); err != nil {
		var none T
		return none, err
	}
	defer n.s.leave()
	return f()
}

func (n *namespace) Register(ctx context.Context, runtime string, nodes []transport.NodeSpec) error {
	if err := n.begin(ctx, "register"); err != nil {
		return err
	}
	defer n.s.leave()
	return n.s.engine.Register(time.Now(), n.name, runtime, nodes)
}

// Claim leaves out what a state manager without extensions knows nothing of.
func (n *namespace) Claim(ctx context.Context, req transport.ClaimRequest) ([]transport.State, error) {
	if err := n.begin(ctx, "claim"); err != nil {
		return nil, err
	}
	defer n.s.leave()
	req.Wait, req.Lease = 0, 0
	states, err := n.s.claim(ctx, n.name, req)
	for i := range states {
		s := &states[i]
		s.Graph, s.RunID, s.Attempt, s.Lease, s.Token = "", "", 0, 0, ""
	}
	return states, err
}

func (n *namespace) Report(ctx context.Context, reports []transport.Report) []error {
	if err := n.begin(ctx, "report"); err != nil {
		return slices.Repeat([]error{err}, len(reports))
	}
	defer n.s.leave()
	if len(reports) == 1 {
		if _, err := n.s.engine.Report(time.Now(), n.name, reports[0]); err != nil {
			return []error{err}
		}
		return nil
	}
	_, errs := n.s.engine.ReportAll(time.Now(), n.name, reports)
	for _, err := range errs {
		if err != nil {
			return errs
		}
	}
	return nil
}

func (n *namespace) Secrets(ctx context.Context, stateID string) (transport.Secrets, error) {
	return within(ctx, n, "secrets", func() (transport.Secrets, error) { return n.s.engine.Secrets(time.Now(), n.name, stateID) })
}

func (n *namespace) PutGraph(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphStatus, error) {
	return within(ctx, n, "upsert graph", func() (transport.GraphStatus, error) {
		defer n.s.clock.wake() // the graph may have triggers
		return n.s.engine.PutGraph(time.Now(), n.name, name, g)
	})
}

func (n *namespace) Graph(ctx context.Context, name string) (transport.GraphStatus, error) {
	return within(ctx, n, "graph", func() (transport.GraphStatus, error) { return n.s.engine.Graph(n.name, name) })
}

func (n *namespace) Trigger(ctx context.Context, graph string, t transport.TriggerSpec) (string, error) {
	return within(ctx, n, "trigger", func() (string, error) { return n.s.engine.Trigger(time.Now(), n.name, graph, t) })
}

func (n *namespace) Runs(ctx context.Context, page, size int) (transport.RunPage, error) {
	return within(ctx, n, "runs", func() (transport.RunPage, error) { return n.s.engine.Runs(n.name, page, size) })
}

func (n *namespace) RunGraph(ctx context.Context, runID string) (transport.RunGraph, error) {
	return within(ctx, n, "run graph", func() (transport.RunGraph, error) { return n.s.engine.RunGraph(n.name, runID) })
}

func (n *namespace) StateDetail(ctx context.Context, graph, runID, stateID string) (transport.StateDetail, error) {
	return within(ctx, n, "state detail", func() (transport.StateDetail, error) { return n.s.engine.StateDetail(n.name, graph, runID, stateID) })
}

func (n *namespace) Retry(ctx context.Context, stateID, fanoutID string) (string, error) {
	return within(ctx, n, "manual retry", func() (string, error) { return n.s.engine.Retry(time.Now(), n.name, stateID, fanoutID, false) })
}

func (n *namespace) Nodes(ctx context.Context) ([]transport.NodeInfo, error) {
	return within(ctx, n, "nodes", func() ([]transport.NodeInfo, error) { return n.s.engine.Nodes(n.name), nil })
}

func (n *namespace) Graphs(ctx context.Context) ([]transport.GraphStatus, error) {
	return within(ctx, n, "graphs", func() ([]transport.GraphStatus, error) { return n.s.engine.Graphs(n.name), nil })
}

func (n *namespace) CancelTriggers(ctx context.Context, graph string) (int, error) {
	return within(ctx, n, "cancel triggers", func() (int, error) { return n.s.engine.CancelTriggers(time.Now(), n.name, graph) })
}

func (n *namespace) Extensions(ctx context.Context) ([]transport.Extension, error) {
	return within(ctx, n, "extensions", func() ([]transport.Extension, error) { return slices.Clone(n.s.extensions), nil })
}
