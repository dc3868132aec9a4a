package local

import (
	"context"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// extendedNamespace has the extensions of protocol.md §13 as well.
type extendedNamespace struct{ namespace }

func (n *extendedNamespace) Claim(ctx context.Context, req transport.ClaimRequest) ([]transport.State, error) {
	if err := n.begin(ctx, "claim"); err != nil {
		return nil, err
	}
	defer n.s.leave()
	return n.s.claim(ctx, n.name, req)
}

func (n *extendedNamespace) Heartbeat(ctx context.Context, leases map[string]string, lease time.Duration) ([]string, error) {
	return within(ctx, &n.namespace, "heartbeat", func() ([]string, error) {
		return n.s.engine.Heartbeat(time.Now(), n.name, leases, lease), nil
	})
}

func (n *extendedNamespace) StoreAll(ctx context.Context, stateID string) (map[string]string, error) {
	return within(ctx, &n.namespace, "store", func() (map[string]string, error) { return n.s.engine.StoreAll(n.name, stateID) })
}

func (n *extendedNamespace) StoreGet(ctx context.Context, stateID, key string) (string, bool, error) {
	if err := n.begin(ctx, "store get"); err != nil {
		return "", false, err
	}
	defer n.s.leave()
	return n.s.engine.StoreGet(n.name, stateID, key)
}

func (n *extendedNamespace) StoreSet(ctx context.Context, stateID, key, value string) error {
	if err := n.begin(ctx, "store set"); err != nil {
		return err
	}
	defer n.s.leave()
	return n.s.engine.StoreSet(time.Now(), n.name, stateID, key, value)
}

func (n *extendedNamespace) StoreSwap(ctx context.Context, stateID, key string, old *string, value string) (bool, error) {
	return within(ctx, &n.namespace, "store swap", func() (bool, error) {
		return n.s.engine.StoreSwap(time.Now(), n.name, stateID, key, old, value)
	})
}

func (n *extendedNamespace) StoreDelete(ctx context.Context, stateID, key string) error {
	if err := n.begin(ctx, "store delete"); err != nil {
		return err
	}
	defer n.s.leave()
	return n.s.engine.StoreDelete(time.Now(), n.name, stateID, key)
}

func (n *extendedNamespace) CancelRun(ctx context.Context, runID string) error {
	if err := n.begin(ctx, "cancel run"); err != nil {
		return err
	}
	defer n.s.leave()
	return n.s.engine.CancelRun(time.Now(), n.name, runID)
}

func (n *extendedNamespace) Run(ctx context.Context, runID string, wait time.Duration) (transport.RunInfo, []transport.StateDetail, error) {
	if err := n.begin(ctx, "run"); err != nil {
		return transport.RunInfo{}, nil, err
	}
	defer n.s.leave()
	if err := n.s.awaitRun(ctx, n.name, runID, wait); err != nil {
		return transport.RunInfo{}, nil, err
	}
	if err := ctx.Err(); err != nil {
		return transport.RunInfo{}, nil, ended("run", err)
	}
	return n.s.engine.Run(n.name, runID)
}
