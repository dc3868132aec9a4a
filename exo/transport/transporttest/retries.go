package transporttest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// retried begins a run of one step with a retry policy.
func (w *world) retried(p transport.RetryPolicy) (runID string) {
	w.t.Helper()
	w.serve("A")
	g := w.spec(step("A", "v"))
	g.Retry = &p
	w.valid("graph", g)
	return w.trigger(transport.TriggerSpec{})
}

// retryRules is §10.
func retryRules() []rule {
	all := []rule{
		{name: "§10 retry: another state takes over, with the same inputs", run: func(w *world) {
			w.serve("A", "B", "C")
			g := w.spec(step("A", "v", "b"), step("B", "${{ a.outputs.out }}", "c"), step("C", "${{ b.outputs.out }}"))
			g.Retry.MaxRetries = 1
			w.valid("graph", g)
			runID := w.trigger(transport.TriggerSpec{})
			w.do("A", "x")
			first := w.one("B")
			w.fail(first)
			w.stands(runID, "a SUCCESS", "b RETRY_CREATED", "b CREATED")
			w.comesTo(runID, transport.RunPending)
			w.until(time.Millisecond)
			second := w.do("B", "y")
			if second.ID == first.ID || second.Identifier != "b" || second.Node != "B" {
				w.t.Errorf("retried as %+v", second)
			}
			w.sameJSON("inputs", second.Inputs, first.Inputs)
			was, is := w.detail(runID, first.ID), w.detail(runID, second.ID)
			w.equal("parents", is.Parents, was.Parents)
			if was.Error != "boom" || was.Status != transport.StatusRetryCreated || is.Error != "" {
				w.t.Errorf("the old state is %s with %q, the new has %q", was.Status, was.Error, is.Error)
			}
			if got := input(w.do("C", "z")); got != "y" {
				w.t.Errorf("what follows reads %q", got)
			}
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§10 retry: until retries are spent", run: func(w *world) {
			runID := w.retried(transport.RetryPolicy{MaxRetries: 2, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			for range 3 {
				w.comesTo(runID, transport.RunPending)
				w.fail(w.one("A"))
				w.until(time.Millisecond)
			}
			w.none("A")
			w.stands(runID, "a RETRY_CREATED*2", "a ERRORED")
			w.comesTo(runID, transport.RunFailed)
		}},
		{name: "§10 retry: never, if there are none", run: func(w *world) {
			runID := w.retried(transport.RetryPolicy{Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			w.fail(w.one("A"))
			w.stands(runID, "a ERRORED")
		}},
		{name: "§10 retry: three times by default", run: func(w *world) {
			w.serve("A")
			g := w.spec(step("A", "v"))
			g.Retry = nil
			w.valid("graph", g)
			runID := w.trigger(transport.TriggerSpec{})
			s, begun := w.one("A"), time.Now()
			w.fail(s)
			w.stands(runID, "a RETRY_CREATED", "a CREATED")
			w.notYet(begun, 2*time.Second, "A")
			if !w.virtual {
				return // the rest would take 14 seconds
			}
			for _, delay := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
				w.fail(w.due(begun, delay, delay))
			}
			w.stands(runID, "a RETRY_CREATED*3", "a ERRORED")
		}},
		{name: "§10 a delay beyond all bounds is far away", run: func(w *world) {
			w.retried(transport.RetryPolicy{MaxRetries: 9, Strategy: transport.Exponential, Backoff: 1<<63 - 1, Exponent: 1 << 30})
			w.fail(w.one("A"))
			w.none("A")
		}},
		{name: "§10 manual retry: a new state as the old, at once, and again once for each fanout ID", run: func(w *world) {
			runID := w.retried(transport.RetryPolicy{Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			old := w.one("A")
			w.fail(old)
			w.comesTo(runID, transport.RunFailed)
			id, err := w.tr.Retry(w.ctx(), old.ID, "f1")
			w.ok(err)
			w.stands(runID, "a RETRY_CREATED", "a CREATED")
			_, err = w.tr.Retry(w.ctx(), old.ID, "f1")
			w.refused(err, http.StatusConflict, "Duplicate retry state detected")
			s := w.one("A")
			if s.ID != id {
				w.t.Errorf("claimed %s, want %s", s.ID, id)
			}
			w.sameJSON("inputs", s.Inputs, old.Inputs)
			w.end(s, executed("x"))
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§10 manual retry: of a state under a lease is 400", run: func(w *world) {
			runID, s := w.leased()
			_, err := w.tr.Retry(w.ctx(), s.ID, "f")
			w.refused(err, http.StatusBadRequest, "lease until")
			w.stands(runID, "a QUEUED")
			w.end(s, executed("x"))
		}},
		{name: "§10 manual retry: of an unknown state is 404", run: func(w *world) {
			_, err := w.tr.Retry(w.ctx(), unknownID, "f")
			w.refused(err, http.StatusNotFound, "State not found")
		}},
		{name: "§10 manual retry: has all its retries again", run: func(w *world) {
			runID := w.retried(transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			var last transport.Claimed
			for range 2 {
				last = w.one("A")
				w.fail(last)
				w.until(time.Millisecond)
			}
			w.stands(runID, "a RETRY_CREATED", "a ERRORED")
			_, err := w.tr.Retry(w.ctx(), last.ID, "f")
			w.ok(err)
			w.fail(w.one("A"))
			w.stands(runID, "a RETRY_CREATED*3", "a CREATED")
		}},
	}
	policy := func(s transport.RetryStrategy, bound time.Duration) transport.RetryPolicy {
		return transport.RetryPolicy{MaxRetries: 3, Strategy: s, Backoff: unit, Exponent: 3, MaxDelay: bound}
	}
	for _, d := range []struct {
		policy transport.RetryPolicy
		delays []time.Duration
	}{
		{policy(transport.Fixed, 0), []time.Duration{unit, unit, unit}},
		{policy(transport.Linear, 0), []time.Duration{unit, 2 * unit, 3 * unit}},
		{policy(transport.Exponential, 0), []time.Duration{unit, 3 * unit, 9 * unit}},
		{policy(transport.Exponential, 2*unit), []time.Duration{unit, 2 * unit, 2 * unit}},
		{policy(transport.Linear, 2*unit), []time.Duration{unit, 2 * unit, 2 * unit}},
	} {
		name := fmt.Sprintf("§10 delays: %s", d.policy.Strategy)
		if d.policy.MaxDelay > 0 {
			name += ", bounded"
		}
		all = append(all, rule{name: name, run: func(w *world) {
			w.retried(d.policy)
			s := w.one("A")
			for _, delay := range d.delays {
				begun := time.Now()
				w.fail(s)
				s = w.due(begun, delay, delay)
			}
		}})
	}
	for _, base := range []string{"FIXED", "LINEAR", "EXPONENTIAL"} {
		for _, jitter := range []string{"FULL", "EQUAL"} {
			s := transport.RetryStrategy(base + "_" + jitter + "_JITTER")
			all = append(all, rule{name: "§10 delays: " + string(s), run: func(w *world) {
				w.retried(policy(s, 0))
				a, begun, least := w.one("A"), time.Now(), time.Duration(0)
				if jitter == "EQUAL" {
					least = unit / 2
				}
				w.fail(a)
				w.due(begun, least, unit)
			}})
		}
	}
	return all
}

// signalRules is §11.
func signalRules() []rule {
	return []rule{
		{name: "§11 prune: ends the branch without a failure", run: func(w *world) {
			w.serve("A", "B")
			runID := w.begin(step("A", "v", "b"), step("B", "v"))
			w.end(w.one("A"), transport.Pruned{Data: map[string]any{"why": "it is empty"}})
			w.none("A", "B")
			w.stands(runID, "a PRUNED")
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§11 requeue: the same state again, after a time", run: func(w *world) {
			w.serve("A", "B")
			runID := w.begin(step("A", "v", "b"), step("B", "v"))
			first, begun := w.one("A"), time.Now()
			w.end(first, transport.Requeued{After: 2 * unit})
			w.stands(runID, "a CREATED")
			second := w.due(begun, 2*unit, 2*unit)
			if second.ID != first.ID || second.Attempt != first.Attempt {
				w.t.Errorf("came back as %+v, was %+v", second, first)
			}
			w.sameJSON("inputs", second.Inputs, first.Inputs)
			w.end(second, executed("x"))
			w.do("B", "x")
			w.comesTo(runID, transport.RunSuccess)
		}},
		{name: "§11 requeue: uses up no retry, and has no limit", run: func(w *world) {
			runID := w.retried(transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Millisecond, Exponent: 1})
			for range 10 {
				w.end(w.one("A"), transport.Requeued{After: time.Millisecond})
				w.until(time.Millisecond)
			}
			w.fail(w.one("A"))
			w.stands(runID, "a RETRY_CREATED", "a CREATED")
		}},
		{name: "§11 requeue: after a part of a millisecond is very soon", run: func(w *world) {
			w.serve("A")
			w.begin(step("A", "v"))
			w.end(w.one("A"), transport.Requeued{After: time.Nanosecond})
			w.until(0)
			w.one("A")
		}},
	}
}
