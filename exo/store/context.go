package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/nodecontext"
)

// ErrNoRun is for a context that belongs to no node, and so to no run.
var ErrNoRun = errors.New("no run: the context is not the one that a node was given, nor made of it")

// NewContext gives the context of a node that executes the state: the keys of
// this package then read and write the store of the state's run. A nil backend
// stands for a state manager without a store. It is for runtimes and test
// harnesses; nodes are given such a context.
func NewContext(ctx context.Context, backend transport.StoreBackend, stateID string) context.Context {
	return context.WithValue(ctx, nodecontext.StoreKey{}, &nodecontext.Store{Backend: backend, StateID: stateID})
}

// runOf is the store of the run that a context belongs to.
func runOf(ctx context.Context) (*nodecontext.Store, error) {
	r, ok := ctx.Value(nodecontext.StoreKey{}).(*nodecontext.Store)
	if !ok {
		return nil, ErrNoRun
	}
	if r.Backend == nil {
		return nil, &transport.Error{
			Status:  http.StatusNotImplemented,
			Message: "its transport has no store",
		}
	}
	return r, nil
}

// advise says what to do without a store.
func advise(err error) error {
	if !errors.Is(err, transport.ErrUnsupported) {
		return err
	}
	return fmt.Errorf("%w (read keys by placeholders in a step's inputs, hand values on as outputs, "+
		"or use a state manager that has the store extension, such as exo/local or exo serve)", err)
}
