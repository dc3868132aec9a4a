package exo

import (
	"errors"
	"fmt"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
)

// A verdict is what the response to a report means for it.
type verdict uint8

const (
	settled          verdict = iota // the state manager has said its last word, good or bad
	unanswered                      // to be sent again, later
	refusedInCompany                // it, or another in the same call, is not acceptable: to be sent by itself
)

var errNoResponse = errors.New("the transport gave fewer responses than there were reports")

// responseTo is what Report said about the i-th report.
func responseTo(errs []error, i int) error {
	switch {
	case errs == nil:
		return nil
	case i < len(errs):
		return errs[i]
	}
	return errNoResponse
}

// respond notes the response to the report of an execution, and says what it
// means. alone: the call carried no other report.
//
// A refusal because the state is not queued means that an earlier attempt was
// taken, if there was one that may have been: one without a response, but not one
// that was turned away by a limit.
func (r *Runtime) respond(e *execution, err error, alone bool) verdict {
	e.failure = err
	switch {
	case err == nil:
	case errors.Is(err, transport.ErrConflict):
		r.log.Warn("report refused: the state is no longer this runtime's", e.failureFields(err)...)
	case e.maybeTaken && transport.IsNotQueued(err):
		e.failure = nil
	case retry.Unauthorized(err):
		r.counters.refused(e.redact.error(err), r.log)
		return unanswered
	case retry.Temporary(err):
		r.doubt(err)
		e.maybeTaken = e.maybeTaken || retry.MaybeDone(err)
		return unanswered
	case transport.IsNotQueued(err), errors.Is(err, transport.ErrNotFound):
		r.doubt(err)
		r.log.Error("report refused", e.failureFields(err)...)
	case !alone:
		// A call is refused whole for what one report in it is, or because they
		// are too large together.
		e.alone = true
		return refusedInCompany
	case e.outcome.Kind == Executed || e.outcome.Kind == Pruned:
		r.unacceptable(e, err)
		return refusedInCompany
	default:
		r.log.Error("report refused", e.failureFields(err)...)
	}
	return settled
}

// unacceptable fails an execution whose outcome the state manager will never
// take: the state must not be stuck for it.
func (r *Runtime) unacceptable(e *execution, err error) {
	what := "outputs"
	if e.outcome.Kind == Pruned {
		what = "data of the prune"
	}
	e.outcome, e.report.Outcome, _ = r.failed(e.redact, Permanent(fmt.Errorf("the state manager refuses the %s: %w", what, err)))
	e.alone = true
}
