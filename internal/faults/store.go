package faults

import (
	"context"

	"github.com/exospherehost/exo-go/exo/transport"
)

// store calls the run's store, if the wrapped state manager has one.
func store[T any](ctx context.Context, n *namespace, op string, call func(context.Context, transport.StoreBackend) (T, error)) (T, error) {
	backend, ok := n.inner.(transport.StoreBackend)
	if !ok {
		var none T
		return none, unsupported(op)
	}
	return do(ctx, n.injector, op, func(ctx context.Context) (T, error) { return call(ctx, backend) })
}

func (n *namespace) StoreAll(ctx context.Context, stateID string) (map[string]string, error) {
	return store(ctx, n, "store", func(ctx context.Context, b transport.StoreBackend) (map[string]string, error) {
		return b.StoreAll(ctx, stateID)
	})
}

func (n *namespace) StoreGet(ctx context.Context, stateID, key string) (string, bool, error) {
	type entry struct {
		value string
		ok    bool
	}
	got, err := store(ctx, n, "store get", func(ctx context.Context, b transport.StoreBackend) (e entry, err error) {
		e.value, e.ok, err = b.StoreGet(ctx, stateID, key)
		return e, err
	})
	return got.value, got.ok, err
}

func (n *namespace) StoreSet(ctx context.Context, stateID, key, value string) error {
	_, err := store(ctx, n, "store set", func(ctx context.Context, b transport.StoreBackend) (none, error) {
		return none{}, b.StoreSet(ctx, stateID, key, value)
	})
	return err
}

func (n *namespace) StoreSwap(ctx context.Context, stateID, key string, old *string, value string) (bool, error) {
	return store(ctx, n, "store swap", func(ctx context.Context, b transport.StoreBackend) (bool, error) {
		return b.StoreSwap(ctx, stateID, key, old, value)
	})
}

func (n *namespace) StoreDelete(ctx context.Context, stateID, key string) error {
	_, err := store(ctx, n, "store delete", func(ctx context.Context, b transport.StoreBackend) (none, error) {
		return none{}, b.StoreDelete(ctx, stateID, key)
	})
	return err
}
