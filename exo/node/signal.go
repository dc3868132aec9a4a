package node

import (
	"errors"
	"time"
)

// A PruneSignal ends the branch of the state that returns it. Data is recorded
// on the state, and nil is an empty object.
type PruneSignal struct{ Data map[string]any }

func (s *PruneSignal) Error() string { return "exo: prune: return this error from the node unchanged" }

// A RequeueSignal puts the state that returns it back, to be run again on the
// same inputs once After, which is positive, has passed.
type RequeueSignal struct{ After time.Duration }

func (s *RequeueSignal) Error() string {
	return "exo: requeue: return this error from the node unchanged"
}

// permanentError marks its cause and says what it says.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent is err, marked as not worth retrying. A state manager that knows the
// notion fails the state at once; the others retry by the graph's policy
// anyway. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether err, or an error that it wraps, was marked by
// [Permanent].
func IsPermanent(err error) bool {
	var permanent *permanentError
	return errors.As(err, &permanent)
}
