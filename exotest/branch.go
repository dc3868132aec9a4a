package exotest

import (
	"fmt"
	"strings"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/internal/lineage"
)

// A branch is the attempts at one piece of work: a state, and those that took
// over when it failed.
type branch struct {
	step     string
	attempts []exo.State
	depth    int
}

// last is the attempt that counts.
func (b *branch) last() *exo.State { return &b.attempts[len(b.attempts)-1] }

// branchesOf are the branches of a run, each before those below it. Their order
// follows from the graph and the outputs, not from which worker was faster.
func branchesOf(r *exo.RunResult) []*branch {
	lines := lineage.Of(r.States)
	all := make([]*branch, len(lines))
	for i, l := range lines {
		all[i] = &branch{step: l.Step, depth: l.Depth}
		for _, at := range l.Attempts {
			all[i].attempts = append(all[i].attempts, r.States[at])
		}
	}
	return all
}

// branchesAt are the branches of a step.
func branchesAt(r *exo.RunResult, step string) []*branch {
	var at []*branch
	for _, b := range branchesOf(r) {
		if b.step == step {
			at = append(at, b)
		}
	}
	return at
}

// names are what the states of a run are called where ids would say nothing:
// "count", or "count[3]" for the third branch of several, and "count[3]#2" for
// its second attempt.
func names(branches []*branch) map[string]string {
	total := make(map[string]int)
	for _, b := range branches {
		total[b.step]++
	}
	named := make(map[string]string)
	seen := make(map[string]int)
	for _, b := range branches {
		seen[b.step]++
		name := b.step
		if total[b.step] > 1 {
			name += fmt.Sprintf("[%d]", seen[b.step])
		}
		for i, s := range b.attempts {
			named[s.ID] = name
			if i > 0 {
				named[s.ID] += fmt.Sprintf("#%d", i+1)
			}
		}
	}
	return named
}

// withoutIDs replaces the ids of a run and its states by names.
func withoutIDs(r *exo.RunResult, branches []*branch) *strings.Replacer {
	pairs := []string{r.ID, "<run>"}
	named := names(branches)
	for _, s := range r.States {
		pairs = append(pairs, s.ID, "<"+named[s.ID]+">")
	}
	return strings.NewReplacer(pairs...)
}
