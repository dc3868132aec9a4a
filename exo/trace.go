package exo

import (
	"context"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
)

// Trace is a set of hooks that observe a [Runtime]. Any may be nil. Each is
// called on the goroutine that does the work, so a slow hook slows the runtime,
// and several may be called at once. A hook that panics is logged once, and
// counted in [Stats]; the runtime goes on. None is called under a lock.
type Trace struct {
	// Registered is called when the nodes have been registered.
	Registered func(nodes []string)

	// Claimed is called after every claim, with the number of states asked
	// for and got.
	Claimed func(asked, got int, took time.Duration, err error)

	// Started is called before a state is executed, Finished after it. Their
	// context is the node's.
	Started  func(context.Context, node.Info)
	Finished func(context.Context, node.Info, Outcome, time.Duration)

	// Reported is called when the state manager has taken the outcome, or will
	// never take it (err). took is the time since the node finished.
	Reported func(ctx context.Context, info node.Info, outcome Outcome, took time.Duration, err error)
}

// An Outcome is what became of a state.
type Outcome struct {
	Kind    OutcomeKind
	Outputs int           // of Executed: the number of outputs
	After   time.Duration // of Requeued and Returned
	Err     error         // of Errored: secrets are redacted in its text
}

// OutcomeKind tells the outcomes of a state apart.
type OutcomeKind uint8

const (
	Executed OutcomeKind = iota + 1 // the node gave outputs
	Errored                         // the node failed
	Pruned                          // the node ended its branch
	Requeued                        // the node asked to be run again later
	Returned                        // the runtime put the state back: it is stopping, or does not know the node
	Lost                            // the state's lease ended: another runtime has it, and nothing is reported
)

// String is the kind in lower case.
func (k OutcomeKind) String() string {
	switch k {
	case Executed:
		return "executed"
	case Errored:
		return "errored"
	case Pruned:
		return "pruned"
	case Requeued:
		return "requeued"
	case Returned:
		return "returned"
	case Lost:
		return "lost"
	}
	return "unknown"
}
