package exo

import (
	"time"

	"github.com/exospherehost/exo-go/exo/node"
)

// Prune returns the error with which a node ends its branch of the run. The
// state becomes PRUNED and records data. It is not a failure (protocol.md §11).
func Prune(data map[string]any) error { return &node.PruneSignal{Data: data} }

// RequeueAfter returns the error with which a node asks to be executed again
// with the same inputs after d. It is not a failure and uses up no retry
// (protocol.md §11). Fractions of a millisecond are rounded up. If d is not
// positive, the state fails with an error that says so.
func RequeueAfter(d time.Duration) error { return &node.RequeueSignal{After: d} }

// Permanent returns an error that is not worth retrying. A state manager that
// supports it fails the state at once; others still retry according to the
// graph's policy. Permanent(nil) is nil.
func Permanent(err error) error { return node.Permanent(err) }
