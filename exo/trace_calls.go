package exo

import (
	"context"
	"time"
)

func (r *Runtime) traceRegistered(names []string) {
	for _, t := range r.config.traces {
		if t.Registered != nil {
			r.observe("Registered", nil, func() { t.Registered(names) })
		}
	}
}

func (r *Runtime) traceClaimed(asked, got int, took time.Duration, err error) {
	for _, t := range r.config.traces {
		if t.Claimed != nil {
			r.observe("Claimed", nil, func() { t.Claimed(asked, got, took, err) })
		}
	}
}

// traceStarted hands each hook the context that the one before it returned, and
// leaves the last with the execution.
func (r *Runtime) traceStarted(e *execution, redact *redactor) {
	if len(r.config.traces) == 0 {
		return
	}
	ctx := newTraceContext(e, nil)
	e.traced.Store(ctx)
	for _, t := range r.config.traces {
		if t.Started == nil {
			continue
		}
		var next context.Context
		r.observe("Started", redact, func() { next = t.Started(ctx, *e.info()) }) //nolint:fatcontext // one level for each trace
		if next != nil {
			ctx = newTraceContext(e, next)
			e.traced.Store(ctx)
		}
	}
}

func (r *Runtime) traceFinished(e *execution, redact *redactor, o Outcome, took time.Duration) {
	for _, t := range r.config.traces {
		if t.Finished != nil {
			r.observe("Finished", redact, func() { t.Finished(e.traced.Load(), *e.info(), o, took) })
		}
	}
}

func (r *Runtime) traceReported(e *execution, err error) {
	if len(r.config.traces) == 0 {
		return
	}
	ctx := e.traced.Load()
	if ctx == nil { // returned before it was started
		ctx = newTraceContext(e, nil)
	}
	for _, t := range r.config.traces {
		if t.Reported != nil {
			r.observe("Reported", e.redact, func() { t.Reported(ctx, *e.info(), e.outcome, time.Since(e.finished), err) })
		}
	}
}
