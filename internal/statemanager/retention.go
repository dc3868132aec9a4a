package statemanager

import (
	"cmp"
	"slices"
)

// Terminal runs beyond [Options.KeepRuns] and [Options.KeepStates] are dropped,
// in the order in which they became terminal: a state manager that is never
// restarted must not grow without bound. The ID of a dropped run and those of
// its states are unknown from then on.

// restingRuns holds the terminal runs of a namespace, in the order in which
// they became terminal. A run that a manual retry makes pending again leaves a
// stale entry behind.
type restingRuns struct {
	queue  []restingRun
	head   int
	runs   int // number of terminal runs
	states int // number of their states
}

type restingRun struct {
	run   *run
	rests uint64 // run.rests when the entry was made
}

// rest records that a run has become terminal, or is pending again.
func (e *Engine) rest(r *run, atRest bool) {
	if r.resting == atRest {
		return
	}
	q := &r.namespace.resting
	r.resting = atRest
	if !atRest {
		q.runs--
		q.states -= r.restingStates
		return
	}
	r.rests++
	r.restingStates = len(r.states)
	q.runs++
	q.states += r.restingStates
	if e.keepRuns <= 0 && e.keepStates <= 0 {
		return
	}
	q.queue = append(q.queue, restingRun{r, r.rests})
	for e.keepRuns > 0 && q.runs > e.keepRuns || e.keepStates > 0 && q.states > e.keepStates && q.runs > 1 {
		e.drop(q.oldest())
	}
}

// oldest removes and returns the run that became terminal first. There must be
// one.
func (q *restingRuns) oldest() *run {
	for {
		first := q.queue[q.head]
		q.queue[q.head] = restingRun{}
		if q.head++; 2*q.head > len(q.queue) {
			q.queue = slices.Delete(q.queue, 0, q.head)
			q.head = 0
		}
		if first.run.resting && first.run.rests == first.rests {
			return first.run
		}
	}
}

// drop removes a terminal run.
func (e *Engine) drop(r *run) {
	r.namespace.resting.runs--
	r.namespace.resting.states -= r.restingStates
	delete(e.runs, r.id)
	for _, st := range r.states {
		e.ids.remove(st)
	}
	// The run is usually among the oldest. So the search begins there, and the
	// runs before it are moved.
	runs := r.namespace.runs
	near := 1
	for near < len(runs) && runs[near-1].order < r.order {
		near *= 2
	}
	i, _ := slices.BinarySearchFunc(runs[:min(near, len(runs))], r.order, func(o *run, order uint64) int {
		return cmp.Compare(o.order, order)
	})
	copy(runs[1:i+1], runs[:i])
	runs[0] = nil
	r.namespace.runs = runs[1:]
}
