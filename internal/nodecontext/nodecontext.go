// Package nodecontext holds the keys of values in a node's context. The
// packages that own the values set and read them separately; the runtime uses
// one context that carries all of them, to save an allocation for each.
package nodecontext

import "github.com/exospherehost/exo-go/exo/transport"

type (
	// InfoKey is the key of a *node.Info.
	InfoKey struct{}

	// HideKey is the key of a func(string) string that takes the known secrets
	// of a state out of a text.
	HideKey struct{}

	// StoreKey is the key of a *Store.
	StoreKey struct{}
)

// Store is the store of the run to which a state belongs.
type Store struct {
	Backend transport.StoreBackend // nil if the state manager has no store routes
	StateID string
}
