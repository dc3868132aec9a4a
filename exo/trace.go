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
//
// The contexts of Started, Finished and Reported are the state's: [Info] and
// [Logger] work in them, and so does the run's store. They know no secrets, and
// what the hooks are told shows none.
type Trace struct {
	// Registered is called when the nodes have been registered.
	Registered func(nodes []string)

	// Claimed is called after every claim, with the number of states asked
	// for and got.
	Claimed func(asked, got int, took time.Duration, err error)

	// Started is called when a state's secrets are there, before its node. What
	// the context that it returns carries is found in the contexts of the node
	// and of the hooks that come later for the state. Only its values count: it
	// cannot cancel the node, nor save it from being cancelled. If it is nil,
	// the context stays as it was.
	Started func(ctx context.Context, info node.Info) context.Context

	// Finished is called once for each call of Started, when the node has
	// returned. took is the time that the state took, its secrets included. If
	// these could not be had, the node is not called, and Started is called just
	// before Finished.
	Finished func(ctx context.Context, info node.Info, outcome Outcome, took time.Duration)

	// Reported is called when the state manager has taken the outcome, or will
	// never take it (err). took is the time since the node finished. By then
	// ctx has ended, as a rule: it is there for its values. Reported may be
	// called beside Finished, or before it if the node ignores the end of its
	// context. A state that is returned before it has started is reported alone.
	Reported func(ctx context.Context, info node.Info, outcome Outcome, took time.Duration, err error)
}

// An Outcome is the result of the execution of a state.
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
	Returned                        // the runtime requeued the state: it is stopping, or does not know the node
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
