package exotest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
)

// A Result is what one execution of a node came to.
type Result[Out any] struct {
	// Outputs have been through the codec: they are what a later step would be
	// given.
	Outputs []Out

	// Err is nil for signals. Its text is the one that a state manager is
	// reported, with secrets replaced, and what the node returned is found in it by
	// [errors.Is] and [errors.As]. Whether more attempts are worthwhile
	// [node.IsPermanent] tells.
	Err error

	Pruned       bool           // the node returned [exo.Prune]
	PruneData    map[string]any // what it was given
	RequeueAfter time.Duration  // positive if the node returned [exo.RequeueAfter]

	Store map[string]string // the run's store, when the node had ended
}

// One is the only output. It fails the test if there is an error, a signal, or
// any other number of outputs.
func (r *Result[Out]) One(t testing.TB) Out {
	t.Helper()
	outs := r.All(t)
	if len(outs) != 1 {
		t.Fatalf("the node gave %d outputs, want one", len(outs))
	}
	return outs[0]
}

// All are the outputs. It fails the test if there is an error or a signal.
func (r *Result[Out]) All(t testing.TB) []Out {
	t.Helper()
	switch {
	case r.Err != nil:
		t.Fatalf("the node failed: %v", r.Err)
	case r.Pruned, r.RequeueAfter > 0:
		t.Fatalf("the node gave no outputs: it %s", r)
	}
	return r.Outputs
}

// String says in a few words what the execution came to.
func (r *Result[Out]) String() string {
	switch {
	case r.Err != nil:
		return "failed: " + r.Err.Error()
	case r.Pruned:
		return "pruned its branch, with " + jsonText(r.PruneData)
	case r.RequeueAfter > 0:
		return fmt.Sprintf("asked to be run again after %v", r.RequeueAfter)
	}
	return fmt.Sprintf("gave %d outputs", len(r.Outputs))
}

// runError is a failure as it is reported, and what the node returned.
type runError struct {
	message string
	cause   error
}

func (e *runError) Error() string { return e.message }
func (e *runError) Unwrap() error { return e.cause }

// newRunError is the error of a report. returned is what the node returned: nil
// if the runtime made the failure, such as of a panic.
func newRunError(message string, permanent bool, returned error) error {
	if returned == nil && permanent {
		return node.Permanent(errors.New(message))
	}
	return &runError{message: message, cause: returned}
}
