package exo

import (
	"time"

	"github.com/exospherehost/exo-go/exo/node"
)

// Prune returns the error by which a node ends its branch of the run: the
// state is pruned, with data recorded on it. It is not a failure
// (protocol.md §11).
func Prune(data map[string]any) error { return &node.PruneSignal{Data: data} }

// RequeueAfter returns the error by which a node asks to be run again, on the
// same inputs, once d has passed. It is not a failure and uses up no retry
// (protocol.md §11). Fractions of a millisecond are rounded up. d must be
// positive: otherwise the state fails with an error that says so.
func RequeueAfter(d time.Duration) error { return &node.RequeueSignal{After: d} }

// Permanent returns an error that is not worth retrying. A state manager that
// knows the notion fails the state at once; the others retry by the graph's
// policy all the same. Permanent(nil) is nil.
func Permanent(err error) error { return node.Permanent(err) }
