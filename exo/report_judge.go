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
	settled          verdict = iota // the response is final
	unanswered                      // to be sent again later
	refusedInCompany                // it or another report in the same call is unacceptable: to be sent alone
)

var errNoResponse = errors.New("transport returned fewer results than reports")

// responseTo returns the result of Report for the i-th report.
func responseTo(errs []error, i int) error {
	switch {
	case errs == nil:
		return nil
	case i < len(errs):
		return errs[i]
	}
	return errNoResponse
}

// respond records the response to the report of an execution and returns its
// meaning. alone says that the call carried no other report.
//
// A refusal because the state is not queued means that an earlier attempt was
// accepted, if there was one that may have been: one without a response, but
// not one that a limit turned away.
func (r *Runtime) respond(e *execution, err error, alone bool) verdict {
	e.failure = err
	switch {
	case err == nil:
	case errors.Is(err, transport.ErrConflict):
		r.log.Warn("report refused: state no longer held", e.failureFields(err)...)
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
		// A call is refused as a whole because of one report in it, or because
		// the reports are too large together.
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
// accept, so that the state does not get stuck.
func (r *Runtime) unacceptable(e *execution, err error) {
	what := "outputs"
	if e.outcome.Kind == Pruned {
		what = "prune data"
	}
	e.outcome, e.report.Outcome, _ = r.failed(e.redact, Permanent(fmt.Errorf("state manager refuses the %s: %w", what, err)))
	e.alone = true
}
