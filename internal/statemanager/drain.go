package statemanager

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"
)

// ErrDraining is the cause of the error of triggers after [Engine.Drain].
var ErrDraining = errors.New("the state manager is stopping: it starts no more runs")

// Drain lets no more runs start, neither by a trigger nor by cron. Runs that
// have started go on.
func (e *Engine) Drain() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.draining = true
}

// refuseTrigger returns the error of a trigger while the engine drains.
func (e *Engine) refuseTrigger(op string) error {
	if !e.draining {
		return nil
	}
	err := refuse(op, http.StatusServiceUnavailable, ErrDraining.Error())
	err.Err = ErrDraining
	return err
}

// Unfinished returns the number of runs that are not terminal, by namespace.
// Namespaces without such runs are left out.
func (e *Engine) Unfinished() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	counts := make(map[string]int)
	for name, ns := range e.namespaces {
		if n := len(ns.runs) - ns.resting.runs; n > 0 {
			counts[name] = n
		}
	}
	return counts
}

// Pending counts the pending states of one node.
type Pending struct {
	Namespace, Node string
	Executing       int       // QUEUED
	Due             int       // CREATED, and may be claimed
	Delayed         int       // CREATED, and may be claimed later
	Next            time.Time // when the first of Delayed may be claimed
}

// Pending returns the pending states of all runs by node, in order of namespace
// and name. It looks at every state of the runs that are not terminal.
func (e *Engine) Pending(now time.Time) []Pending {
	e.enter(now)
	defer e.mu.Unlock()
	byNode := make(map[[2]string]*Pending)
	for _, ns := range e.namespaces {
		for _, r := range ns.runs {
			if r.atRest() {
				continue
			}
			for _, st := range r.states {
				if st.status == created || st.status == queued {
					key := [2]string{st.place.namespace, st.place.node}
					if byNode[key] == nil {
						byNode[key] = &Pending{Namespace: key[0], Node: key[1]}
					}
					byNode[key].add(st, e.now)
				}
			}
		}
	}
	all := make([]Pending, 0, len(byNode))
	for _, p := range byNode {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Pending) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Node, b.Node))
	})
	return all
}

func (p *Pending) add(st *state, now int64) {
	switch {
	case st.status == queued:
		p.Executing++
	case st.due <= now:
		p.Due++
	default:
		p.Delayed++
		if due := timeOf(st.due); p.Next.IsZero() || due.Before(p.Next) {
			p.Next = due
		}
	}
}
