package statemanager

import (
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
)

// A ReportResult is the response to a report that was accepted.
type ReportResult struct {
	Status       transport.Status // EXECUTED, ERRORED, PRUNED or CREATED
	RetryCreated bool             // of ERRORED: there will be another attempt
	EnqueueAfter time.Time        // of PRUNED and CREATED: when the state is or was due
}

const opReport = "report"

// Report records the outcome of a state and everything that follows from it, in
// one transition. A state accepts one report per claim. The same report again
// gets the same response; a different one is a conflict (409), and so is a
// report under a lost lease. A report about a state that was never claimed is
// refused with 400.
func (e *Engine) Report(now time.Time, ns string, r transport.Report) (ReportResult, error) {
	e.enter(now)
	defer e.mu.Unlock()
	return e.report(ns, r)
}

// ReportAll records many reports, each independently. results and errors are in
// their order, and for each report one of the two is set.
func (e *Engine) ReportAll(now time.Time, ns string, rs []transport.Report) ([]ReportResult, []error) {
	e.enter(now)
	defer e.mu.Unlock()
	results, errs := make([]ReportResult, len(rs)), make([]error, len(rs))
	for i, r := range rs {
		results[i], errs[i] = e.report(ns, r)
	}
	return results, errs
}

func (e *Engine) report(ns string, r transport.Report) (ReportResult, error) {
	st, err := e.workerState(opReport, ns, r.StateID)
	if err != nil {
		return ReportResult{}, err
	}
	o, err := read(r.Outcome)
	if err != nil {
		return ReportResult{}, err
	}
	if st.status != queued && !st.lapsed || !st.holds(r.Token) {
		return e.again(st, r.Token, &o)
	}
	switch o.kind {
	case reportedExecuted:
		if err := e.executed(st, &o); err != nil {
			return ReportResult{}, err
		}
	case reportedErrored:
		st.take(&o)
		e.fail(st, o.text, o.permanent)
	case reportedPruned:
		st.take(&o)
		e.prune(st, o.text)
	case reportedRequeued:
		st.take(&o)
		e.schedule(st, after(e.now, o.after))
	case unreported:
	}
	e.settled()
	return st.result(), nil
}

// take records a report, before what follows from it.
func (st *state) take(o *outcome) {
	if st.lapsed { // its entry is still in the queue
		st.lapsed = false
		st.place.queue.stale++
	}
	st.reported, st.digest = o.kind, o.digest
}

const leaseLost = "Lease lost"

// again responds to a report about a state that the caller does not hold.
func (e *Engine) again(st *state, token string, o *outcome) (ReportResult, error) {
	switch {
	case st.expired && (token != "" || !st.stray), token != "" && !st.holds(token):
		return ReportResult{}, conflict(opReport, leaseLost)
	case st.status == cancelled:
		return ReportResult{}, conflict(opReport, "Run is cancelled")
	case st.status != queued && st.reported == o.kind && st.digest == o.digest:
		return st.result(), nil
	case st.stray: // too late, from a worker that cannot know: respond as if accepted
		again := st.status == created || st.status == queued || st.status == retryCreated
		return st.answer(o.kind, again), nil
	case st.status == queued:
		return ReportResult{}, conflict(opReport, leaseLost)
	case st.reported != unreported:
		return ReportResult{}, conflict(opReport, "State has been reported on already, with another outcome")
	case o.kind == reportedErrored:
		return ReportResult{}, badRequest(opReport, "State is not queued or executed")
	}
	return ReportResult{}, badRequest(opReport, "State is not queued")
}

// result is the response to the last report that was accepted.
func (st *state) result() ReportResult { return st.answer(st.reported, st.retried) }

// answer is the response to a report of this kind that is, or seems, accepted.
func (st *state) answer(kind reportKind, retried bool) ReportResult {
	switch kind {
	case reportedExecuted:
		return ReportResult{Status: transport.StatusExecuted}
	case reportedErrored:
		return ReportResult{Status: transport.StatusErrored, RetryCreated: retried}
	case reportedPruned:
		return ReportResult{Status: transport.StatusPruned, EnqueueAfter: timeOf(st.due)}
	case reportedRequeued:
		return ReportResult{Status: transport.StatusCreated, EnqueueAfter: timeOf(st.due)}
	case unreported:
	}
	return ReportResult{}
}

// prune ends a branch, which is then done. The rules say whether it blocks an
// ALL_SUCCESS join.
func (e *Engine) prune(st *state, data string) {
	st.note = data
	if e.rules.pruneFails {
		st.group.failed++
	}
	e.become(st, pruned)
	e.leave(st.group)
}

// An outcome is a parsed [transport.Outcome].
type outcome struct {
	kind      reportKind
	digest    digest // equal for equal outcomes
	outputs   []transport.Object
	text      string // the error, or the data of a prune
	permanent bool
	after     time.Duration
}

// read parses and checks an outcome.
func read(given transport.Outcome) (outcome, error) {
	var o outcome
	h := &o.digest
	switch g := given.(type) {
	case transport.Executed:
		o.kind, o.outputs = reportedExecuted, g.Outputs
		for _, out := range g.Outputs {
			h.write(out) // objects are self-delimiting
		}
	case transport.Errored:
		o.kind, o.text, o.permanent = reportedErrored, g.Message, g.Permanent
		if g.Permanent {
			h.write([]byte{1})
		}
		h.text(g.Message)
	case transport.Pruned:
		o.kind, o.text = reportedPruned, emptyObject
		if g.Data != nil {
			data, err := json.Marshal(g.Data)
			if err != nil {
				return o, refused(opReport, graph.Wrong(graph.NotObject{Reason: err.Error()}, nil, "data"))
			}
			o.text = string(data)
		}
		h.text(o.text)
	case transport.Requeued:
		o.kind, o.after = reportedRequeued, g.After
		if g.After <= 0 {
			return o, refused(opReport, graph.Wrong(graph.NotAbove{Bound: 0}, g.After.Milliseconds(), "enqueue_after"))
		}
		var d [8]byte
		binary.LittleEndian.PutUint64(d[:], uint64(g.After))
		h.write(d[:])
	default:
		return o, refused(opReport, graph.Wrong(graph.Missing{Reason: "a report says executed, errored, prune or re_enqueue_after"}, nil))
	}
	return o, nil
}
