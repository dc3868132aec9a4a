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

func (r *Runtime) traceStarted(ctx context.Context, e *execution) {
	for _, t := range r.config.traces {
		if t.Started != nil {
			r.observe("Started", e.work.redact, func() { t.Started(ctx, *e.info()) })
		}
	}
}

func (r *Runtime) traceFinished(e *execution, redact *redactor, o Outcome, took time.Duration) {
	for _, t := range r.config.traces {
		if t.Finished != nil {
			r.observe("Finished", redact, func() { t.Finished(e.ctx, *e.info(), o, took) })
		}
	}
}

func (r *Runtime) traceReported(e *execution, err error) {
	ctx := e.ctx
	if ctx == nil { // put back before it had one
		ctx = context.Background()
	}
	for _, t := range r.config.traces {
		if t.Reported != nil {
			r.observe("Reported", e.redact, func() { t.Reported(ctx, *e.info(), e.outcome, time.Since(e.finished), err) })
		}
	}
}
