package faults

import (
	"context"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

var _ interface {
	transport.Transport
	transport.Heartbeater
	transport.BatchReporter
	transport.StoreBackend
	transport.Canceler
	transport.RunReader
	transport.TriggerCanceler
	transport.Extender
} = (*namespace)(nil)

func (n *namespace) PutGraph(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
	return do(ctx, n.injector, "upsert graph", func(ctx context.Context) (transport.GraphInfo, error) { return n.inner.PutGraph(ctx, name, g) })
}

func (n *namespace) Graph(ctx context.Context, name string) (transport.GraphInfo, error) {
	return do(ctx, n.injector, "graph", func(ctx context.Context) (transport.GraphInfo, error) { return n.inner.Graph(ctx, name) })
}

func (n *namespace) Trigger(ctx context.Context, graph string, t transport.TriggerSpec) (string, error) {
	return do(ctx, n.injector, "trigger", func(ctx context.Context) (string, error) { return n.inner.Trigger(ctx, graph, t) })
}

func (n *namespace) Runs(ctx context.Context, page, size int) (transport.RunPage, error) {
	return do(ctx, n.injector, "runs", func(ctx context.Context) (transport.RunPage, error) { return n.inner.Runs(ctx, page, size) })
}

func (n *namespace) RunGraph(ctx context.Context, runID string) (transport.RunGraph, error) {
	return do(ctx, n.injector, "run graph", func(ctx context.Context) (transport.RunGraph, error) { return n.inner.RunGraph(ctx, runID) })
}

func (n *namespace) State(ctx context.Context, graph, runID, stateID string) (transport.State, error) {
	return do(ctx, n.injector, "state detail", func(ctx context.Context) (transport.State, error) {
		return n.inner.State(ctx, graph, runID, stateID)
	})
}

func (n *namespace) Retry(ctx context.Context, stateID, fanoutID string) (string, error) {
	return do(ctx, n.injector, "manual retry", func(ctx context.Context) (string, error) { return n.inner.Retry(ctx, stateID, fanoutID) })
}

func (n *namespace) Nodes(ctx context.Context) ([]transport.NodeInfo, error) {
	return do(ctx, n.injector, "nodes", n.inner.Nodes)
}

func (n *namespace) Graphs(ctx context.Context) ([]transport.GraphInfo, error) {
	return do(ctx, n.injector, "graphs", n.inner.Graphs)
}

func (n *namespace) CancelRun(ctx context.Context, runID string) error {
	canceler, ok := n.inner.(transport.Canceler)
	if !ok {
		return unsupported("cancel run")
	}
	_, err := do(ctx, n.injector, "cancel run", func(ctx context.Context) (none, error) { return none{}, canceler.CancelRun(ctx, runID) })
	return err
}

func (n *namespace) RunInfo(ctx context.Context, runID string) (transport.RunInfo, error) {
	reader, ok := n.inner.(transport.RunReader)
	if !ok {
		return transport.RunInfo{}, unsupported("run")
	}
	return do(ctx, n.injector, "run", func(ctx context.Context) (transport.RunInfo, error) { return reader.RunInfo(ctx, runID) })
}

func (n *namespace) Run(ctx context.Context, runID string, wait time.Duration) (transport.RunInfo, []transport.State, error) {
	reader, ok := n.inner.(transport.RunReader)
	if !ok {
		return transport.RunInfo{}, nil, unsupported("run")
	}
	var info transport.RunInfo
	states, err := do(ctx, n.injector, "run", func(ctx context.Context) (states []transport.State, err error) {
		info, states, err = reader.Run(ctx, runID, wait)
		return states, err
	})
	if err != nil {
		return transport.RunInfo{}, nil, err
	}
	return info, states, nil
}

func (n *namespace) CancelTriggers(ctx context.Context, graph string) (int, error) {
	canceler, ok := n.inner.(transport.TriggerCanceler)
	if !ok {
		return 0, unsupported("cancel triggers")
	}
	return do(ctx, n.injector, "cancel triggers", func(ctx context.Context) (int, error) { return canceler.CancelTriggers(ctx, graph) })
}

func (n *namespace) Extensions(ctx context.Context) ([]transport.Extension, error) {
	extender, ok := n.inner.(transport.Extender)
	if !ok {
		return nil, unsupported("extensions")
	}
	return do(ctx, n.injector, "extensions", extender.Extensions)
}
