package statemanager

import (
	"fmt"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// RetryDelay lets tests look at delays that no run could wait for.
func RetryDelay(e *Engine, p *transport.RetryPolicy, n int) time.Duration {
	return retryDelay(p, n, e.rand)
}

// Digest is the digest of an outcome.
func Digest(o transport.Outcome) (uint64, error) {
	got, err := read(o)
	return uint64(got.digest), err
}

// Retained is how many states, runs, and entries of leases and queues the engine
// holds.
func Retained(e *Engine) (states, runs, leases, waiting int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.runs {
		states += len(r.states)
	}
	for _, ns := range e.namespaces {
		for _, q := range ns.queues {
			waiting += q.ready.len()
		}
	}
	return states, len(e.runs), e.leases.len(), waiting
}

// Check compares all that the engine keeps up to date with what it would be if
// it were counted anew.
func Check(e *Engine) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &checker{e: e, ready: make(map[*state]int), leases: make(map[*state]int)}
	return c.run()
}

type checker struct {
	e             *Engine
	ready, leases map[*state]int // live entries
	err           error
}

func (c *checker) failf(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *checker) run() error {
	e := c.e
	if e.touched != nil || len(e.changes) > 0 {
		c.failf("a transition was not settled")
	}
	if len(e.scratchOutputs)+len(e.scratchValues)+len(e.scratchNext) > 0 {
		c.failf("scratch is not empty")
	}
	total := 0
	for _, ns := range e.namespaces {
		for name, q := range ns.queues {
			stale := 0
			for i := range q.ready.heap {
				m := &q.ready.heap[i]
				if i > 0 && m.before(&q.ready.heap[(i-1)/fanout]) {
					c.failf("queue %s is no heap", name)
				}
				if !waits(m) {
					stale++
					continue
				}
				if m.item.place.queue != q {
					c.failf("queue %s: entry of %s at %d, due %d", name, m.item.id, m.at, m.item.due)
				}
				c.ready[m.item]++
			}
			if stale != q.stale {
				c.failf("queue %s: %d stale, counted %d", name, stale, q.stale)
			}
		}
		if !slices.IsSortedFunc(ns.runs, func(a, b *run) int { return int(a.order) - int(b.order) }) {
			c.failf("runs of %s are out of order", ns.name)
		}
		total += len(ns.runs)
	}
	if total != len(e.runs) {
		c.failf("%d runs listed, %d known", total, len(e.runs))
	}
	for i := range e.leases.heap {
		m := &e.leases.heap[i]
		if i > 0 && m.before(&e.leases.heap[(i-1)/fanout]) {
			c.failf("leases are no heap")
		}
		if underLease(m) {
			c.leases[m.item]++
			if m.at > m.item.expiry {
				c.failf("lease of %s: entry at %d, ends %d", m.item.id, m.at, m.item.expiry)
			}
			if m.item.expiry <= e.now {
				c.failf("state %s is QUEUED past its lease", m.item.id)
			}
		}
	}
	if len(c.leases) != e.leased {
		c.failf("%d leases, counted %d", len(c.leases), e.leased)
	}
	for _, ns := range e.namespaces {
		runs, states := 0, 0
		for _, r := range ns.runs {
			c.checkRun(r)
			if r.resting {
				runs++
				states += len(r.states)
			}
		}
		if runs != ns.resting.runs || states != ns.resting.states {
			c.failf("%d runs at rest with %d states, counted %d and %d", runs, states, ns.resting.runs, ns.resting.states)
		}
	}
	return c.err
}

func (c *checker) checkRun(r *run) {
	var counts [statuses]int
	groups := map[*group][2]int{&r.root: {}} // pending, failed
	scopes := make(map[*scope]bool)
	var visit func(*group)
	visit = func(g *group) {
		if g.scope != nil && !scopes[g.scope] {
			scopes[g.scope] = true
			visit(g.scope.anchor.group)
		}
	}
	for _, st := range r.states {
		counts[st.status]++
		visit(st.group)
		n := groups[st.group]
		switch st.status {
		case created, queued:
			n[0]++
		case errored, nextCreatedError:
			n[1]++
		case pruned:
			if c.e.rules.pruneFails {
				n[1]++
			}
		case unborn, statuses:
			c.failf("state %s has no status", st.id)
		case success, retryCreated, cancelled:
		}
		groups[st.group] = n
		if c.e.ids.find(st.id) != st {
			c.failf("state %s is not found by its id", st.id)
		}
		if want := b2i(st.status == created); c.ready[st] != want {
			c.failf("state %s is %s and %d times in its queue", st.id, statusNames[st.status], c.ready[st])
		}
		if want := b2i(st.status == queued && st.token != 0); c.leases[st] != want {
			c.failf("state %s is %s and has %d leases", st.id, statusNames[st.status], c.leases[st])
		}
	}
	counts[unborn] = r.counts[unborn]
	if counts != r.counts {
		c.failf("run %s: counts %v, counted %v", r.id, r.counts, counts)
	}
	if r.atRest() != r.resting {
		c.failf("run %s: resting is %t", r.id, r.resting)
	}
	if r.cancelled {
		return
	}
	c.checkScopes(r, groups, scopes)
}

// checkScopes compares counters from the innermost scopes outwards.
func (c *checker) checkScopes(r *run, groups map[*group][2]int, scopes map[*scope]bool) {
	depth := func(sc *scope) (d int) {
		for a := sc.anchor; a != nil; a = a.parent {
			d++
		}
		return d
	}
	list := make([]*scope, 0, len(scopes))
	for sc := range scopes {
		list = append(list, sc)
	}
	slices.SortFunc(list, func(a, b *scope) int { return depth(b) - depth(a) })
	for _, sc := range list {
		if sc.void != (sc.anchor.fate != counts && !c.e.rules.onArrival) {
			c.failf("scope of %s: void is %t", sc.anchor.place.identifier, sc.void)
		}
		pending, failed := 0, 0
		for i := range sc.groups {
			pending += groups[&sc.groups[i]][0]
			failed += groups[&sc.groups[i]][1]
		}
		if quiet := pending == 0; sc.quiet != quiet || quiet && sc.failed != (failed > 0) {
			c.failf("scope of %s: quiet %t failed %t, counted %d pending %d failed",
				sc.anchor.place.identifier, sc.quiet, sc.failed, pending, failed)
		}
		n := groups[sc.anchor.group]
		if pending > 0 {
			n[0]++
		} else if failed > 0 {
			n[1]++
		}
		groups[sc.anchor.group] = n
		for i, j := range sc.anchor.place.joins {
			g := &sc.groups[i+1]
			states := 0
			for _, st := range r.states {
				if st.parent == sc.anchor && st.place == j.place && st.attempt == 0 && st.group == g && st.fate == counts {
					states++
				}
			}
			if !sc.void && g.ran != (states > 0) {
				c.failf("join %s: ran is %t, it has %d states", j.place.identifier, g.ran, states)
			}
			if g.anew {
				c.failf("join %s is still being made void", j.place.identifier)
			}
			if !g.ran && !sc.void && !c.e.rules.onArrival && c.e.free(sc, j) {
				c.failf("join %s could run and does not", j.place.identifier)
			}
		}
	}
	for g, n := range groups {
		if g.pending != n[0] || g.failed != n[1] {
			where := "the run"
			if g.scope != nil {
				where = g.scope.anchor.place.identifier
			}
			c.failf("group in %s: pending %d failed %d, counted %v", where, g.pending, g.failed, n)
		}
	}
	if r.atRest() != (r.root.pending == 0) {
		c.failf("run %s: at rest is %t, with %d pending members", r.id, r.atRest(), r.root.pending)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// CronEntries is how many triggers the engine holds, cancelled ones included.
func CronEntries(e *Engine) int { return e.crons.len() }
