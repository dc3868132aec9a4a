package exotest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
)

// WantSuccess checks that a run succeeded, or says which states failed, and why.
func WantSuccess(t testing.TB, r *exo.RunResult) {
	t.Helper()
	if r.Status != exo.RunSuccess {
		t.Errorf("the run of %s is %s, want SUCCESS%s", r.Graph, r.Status, failures(r))
	}
}

// WantFailure checks that a run failed, and that a state of the step failed
// permanently with an error that has the text in it.
func WantFailure(t testing.TB, r *exo.RunResult, step, text string) {
	t.Helper()
	if r.Status != exo.RunFailed {
		t.Errorf("the run of %s is %s, want FAILED", r.Graph, r.Status)
		return
	}
	if !known(t, r, step) {
		return
	}
	if !slices.ContainsFunc(r.Step(step), func(s exo.State) bool { return hasFailed(s.Status) && strings.Contains(s.Error, text) }) {
		t.Errorf("step %q did not fail with %q%s", step, text, failures(r))
	}
}

// Outputs are [exo.Outputs]: those of the states of a step that succeeded, in the
// order of the branches, whichever was done first or tried again.
func Outputs[Out any](t testing.TB, r *exo.RunResult, s *exo.Step[Out]) []Out {
	t.Helper()
	outs, err := exo.Outputs(r, s)
	if err != nil {
		t.Fatal(err)
	}
	return outs
}

// WantOutputs checks the [Outputs] of a step.
func WantOutputs[Out any](t testing.TB, r *exo.RunResult, s *exo.Step[Out], want ...Out) {
	t.Helper()
	got := Outputs(t, r, s)
	if len(want) == 0 && len(got) == 0 {
		return
	}
	if d := diff(want, got, cmp.AllowUnexported(*new(Out))); d != "" {
		t.Errorf("outputs of step %q (-want +got):\n%s%s", s.ID(), d, failures(r))
	}
}

// Path is the steps that a run has come to, each once, in the order of their
// first states.
func Path(r *exo.RunResult) []string {
	var path []string
	for i := range r.States {
		if step := r.States[i].Identifier; !slices.Contains(path, step) {
			path = append(path, step)
		}
	}
	return path
}

// WantPath checks the [Path] of a run.
func WantPath(t testing.TB, r *exo.RunResult, steps ...string) {
	t.Helper()
	if got := Path(r); !slices.Equal(got, steps) {
		t.Errorf("path of the run (-want +got):\n%s%s", diff(steps, got), failures(r))
	}
}

// Attempts is how often each branch of a step was tried: 1 if the first attempt
// went well. A state that was requeued by [exo.RequeueAfter] goes on with the same
// attempt.
func Attempts(r *exo.RunResult, step string) []int {
	var attempts []int
	for _, b := range branchesAt(r, step) {
		attempts = append(attempts, len(b.attempts))
	}
	return attempts
}

// WantAttempts checks the [Attempts] at a step: a number for each branch, or one
// that holds for all.
func WantAttempts(t testing.TB, r *exo.RunResult, step string, want ...int) {
	t.Helper()
	if !known(t, r, step) {
		return
	}
	got := Attempts(r, step)
	if len(want) == 1 && len(got) > 1 {
		want = slices.Repeat(want, len(got))
	}
	if !slices.Equal(got, want) {
		t.Errorf("attempts at step %q: %v, want %v%s", step, got, want, errorsOf(r, step))
	}
}

// Delays are the times from the end of one attempt to the end of the next, of all
// branches of a step: the delays of the retry policy, and what the attempts took,
// which is nothing unless there is a [StateManager.Delay] or a requeue.
func Delays(r *exo.RunResult, step string) []time.Duration {
	var delays []time.Duration
	for _, b := range branchesAt(r, step) {
		for i := 1; i < len(b.attempts); i++ {
			delays = append(delays, b.attempts[i].UpdatedAt.Sub(b.attempts[i-1].UpdatedAt))
		}
	}
	return delays
}

// WantDelays checks the [Delays] between the attempts at a step.
func WantDelays(t testing.TB, r *exo.RunResult, step string, want ...time.Duration) {
	t.Helper()
	if !known(t, r, step) {
		return
	}
	if got := Delays(r, step); !slices.Equal(got, want) {
		t.Errorf("delays between the attempts at step %q: %v, want %v", step, got, want)
	}
}

// WantPruned checks that as many branches of a step were pruned as there are
// data, and with these. Values are compared as JSON.
func WantPruned(t testing.TB, r *exo.RunResult, step string, data ...map[string]any) {
	t.Helper()
	if !known(t, r, step) {
		return
	}
	var want, got []string
	for _, d := range data {
		if d == nil {
			d = map[string]any{}
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatalf("WantPruned: %v", err)
		}
		want = append(want, canonical(text))
	}
	for _, b := range branchesAt(r, step) {
		if s := b.last(); s.Status == transport.StatusPruned {
			got = append(got, canonical(s.Data))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("branches pruned at step %q (-want +got):\n%s%s", step, diff(want, got), failures(r))
	}
}

// Store is the store of a run, as it is now.
func (m *StateManager) Store(t testing.TB, r *exo.RunResult) map[string]string {
	t.Helper()
	if len(r.States) == 0 {
		t.Fatalf("run %s has no states", r.ID)
	}
	store, err := m.start().StoreAll(m.config.namespace, r.States[0].ID)
	if err != nil {
		t.Fatalf("read the store: %v", err)
	}
	return store
}

// WantStore checks the store of a run, as it is now.
func (m *StateManager) WantStore(t testing.TB, r *exo.RunResult, want map[string]string) {
	t.Helper()
	got := m.Store(t, r)
	if len(want) == 0 && len(got) == 0 {
		return
	}
	if d := diff(want, got); d != "" {
		t.Errorf("store of the run (-want +got):\n%s", d)
	}
}

// known checks that a run has states of a step, so that a typing error does not pass.
func known(t testing.TB, r *exo.RunResult, step string) bool {
	t.Helper()
	if len(r.Step(step)) > 0 {
		return true
	}
	t.Errorf("the run has no state of step %q; it came to %s%s", step, strings.Join(Path(r), ", "), failures(r))
	return false
}

func hasFailed(s exo.Status) bool {
	return s == transport.StatusErrored || s == transport.StatusNextCreatedError
}

// failures says, for the end of a message, which states of a run failed permanently.
func failures(r *exo.RunResult) string {
	return listErrors(r, func(s *exo.State) bool { return hasFailed(s.Status) })
}

// errorsOf says which states of a step failed, permanently or not.
func errorsOf(r *exo.RunResult, step string) string {
	return listErrors(r, func(s *exo.State) bool { return s.Identifier == step })
}

func listErrors(r *exo.RunResult, of func(*exo.State) bool) string {
	branches := branchesOf(r)
	named := names(branches)
	var b strings.Builder
	for i := range r.States {
		if s := &r.States[i]; s.Error != "" && of(s) {
			fmt.Fprintf(&b, "\n\t%s: %s: %s", named[s.ID], s.Status, s.Error)
		}
	}
	return withoutIDs(r, branches).Replace(b.String())
}
