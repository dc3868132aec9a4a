package node

import (
	"context"
	"time"

	"github.com/exospherehost/exo-go/internal/nodecontext"
)

// Info says which state a node is running. StateID is the same when a state
// was requeued or asked to be run again, and so a key for effects that must not
// happen twice in one attempt; a retry is a new state. For effects that must not
// happen twice in a run, RunID, Identifier and what tells its branches apart
// make a key.
type Info struct {
	StateID    string
	Node       string
	Identifier string // the step of the graph
	Namespace  string
	Runtime    string
	Graph      string // "" when the state manager does not say
	RunID      string // "" when the state manager does not say
	Attempt    int    // 0 the first time, then 1, 2, … ; 0 when the state manager does not say
	CreatedAt  time.Time
}

// ContextWithInfo is ctx for the execution of the state that info describes,
// which is kept, not copied. It is for runtimes and test tools.
func ContextWithInfo(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, nodecontext.InfoKey{}, info)
}

// InfoFromContext says which state ctx belongs to. It is zero outside a node.
func InfoFromContext(ctx context.Context) Info {
	if info, ok := ctx.Value(nodecontext.InfoKey{}).(*Info); ok {
		return *info
	}
	return Info{}
}
