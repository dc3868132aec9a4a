package exotest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
)

// A branch is the attempts at one piece of work: a state, and those that took
// over when it failed.
type branch struct {
	step     string
	attempts []exo.State
	below    []*branch // what its states gave rise to
	depth    int
}

// last is the attempt that counts.
func (b *branch) last() *exo.State { return &b.attempts[len(b.attempts)-1] }

// branchesOf are the branches of a run, each before those below it. Their order
// follows from the graph and the outputs, not from which worker was faster: those
// below one state are in the order of its next steps, joins last.
func branchesOf(r *exo.RunResult) []*branch {
	byState := make(map[string]*branch, len(r.States))
	root := &branch{depth: -1}
	all := make([]*branch, 0, len(r.States))
	for _, s := range r.States {
		parent := root
		if n := len(s.Parents); n > 0 && byState[s.Parents[n-1].StateID] != nil {
			parent = byState[s.Parents[n-1].StateID]
		}
		b := parent.retriedBefore(&s)
		if b == nil {
			b = &branch{step: s.Identifier, depth: parent.depth + 1}
			parent.insert(b)
		}
		b.attempts = append(b.attempts, s)
		byState[s.ID] = b
	}
	var walk func(b *branch)
	walk = func(b *branch) {
		for _, c := range b.below {
			all = append(all, c)
			walk(c)
		}
	}
	walk(root)
	return all
}

// retriedBefore is the branch whose last attempt failed and that s takes over.
func (b *branch) retriedBefore(s *exo.State) *branch {
	for _, c := range b.below {
		if c.step == s.Identifier && c.last().Status == transport.StatusRetryCreated {
			return c
		}
	}
	return nil
}

// insert adds a branch behind the others of its step.
func (b *branch) insert(c *branch) {
	for i, sibling := range slices.Backward(b.below) {
		if sibling.step == c.step {
			b.below = slices.Insert(b.below, i+1, c)
			return
		}
	}
	b.below = append(b.below, c)
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
