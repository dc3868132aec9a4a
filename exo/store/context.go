package store

import (
	"context"

	"github.com/exospherehost/exo-go/exo/transport"
)

type contextKey struct{}

// run is the store of the run that a context belongs to.
type run struct {
	backend transport.StoreBackend // nil: the state manager has no store routes
	stateID string
}

// NewContext gives the context of a node that executes the state: the keys of
// this package then read and write the store of the state's run. A nil backend
// stands for a state manager without a store. It is for runtimes and test
// harnesses; nodes are given such a context.
func NewContext(ctx context.Context, backend transport.StoreBackend, stateID string) context.Context {
	return context.WithValue(ctx, contextKey{}, &run{backend: backend, stateID: stateID})
}
