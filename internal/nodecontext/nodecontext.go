// Package nodecontext has the keys of what the context of a node carries. The
// packages that own the values set and read them one by one; the runtime has a
// context that answers for all of them, so that a state does not cost one each.
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

// Store is that of the run which a state belongs to.
type Store struct {
	Backend transport.StoreBackend // nil: the state manager has no store routes
	StateID string
}
