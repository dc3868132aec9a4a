package statemanager

import (
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/cron"
)

// A cronTrigger starts runs of the serving version of a graph (protocol.md
// §12). It starts none if the graph requires a store key without a default,
// since there is no caller to tell.
type cronTrigger struct {
	graph     *storedGraph
	schedule  *cron.Schedule
	order     uint64
	cancelled bool
}

// addTriggers schedules the triggers of the serving version of a graph.
func (e *Engine) addTriggers(g *storedGraph, schedules []*cron.Schedule) {
	for _, s := range schedules {
		e.created++
		t := &cronTrigger{graph: g, schedule: s, order: e.created}
		g.triggers = append(g.triggers, t)
		e.cronsLive++
		e.plan(t)
	}
}

// plan schedules the next run of a trigger. It skips times that have passed:
// after a pause there is one run, for the latest of them.
func (e *Engine) plan(t *cronTrigger) {
	next := t.schedule.Next(timeOf(e.now))
	if next.IsZero() {
		return
	}
	e.crons.push(nanos(next), t.order, t)
}

// fire starts a run for a trigger that is due.
func (e *Engine) fire(t *cronTrigger) {
	if v := t.graph.serving(); v != nil && !e.draining {
		_, _ = e.start(t.graph.namespace, v.program, transport.TriggerSpec{})
	}
	e.plan(t)
}

// cancelTriggers removes the triggers of a graph.
func (e *Engine) cancelTriggers(g *storedGraph) {
	n := len(g.triggers)
	for _, t := range g.triggers {
		t.cancelled = true
	}
	g.triggers = nil
	e.cronsLive -= n
	if e.crons.len() > 2*e.cronsLive {
		e.crons.compact(func(m *moment[*cronTrigger]) bool { return !m.item.cancelled })
	}
}

// CancelTriggers removes the cron triggers of a graph until it is written
// again, and returns their number. It removes those of the serving version and
// those of a newer INVALID version, which will have none when it takes over.
func (e *Engine) CancelTriggers(now time.Time, ns, name string) (int, error) {
	e.enter(now)
	defer e.mu.Unlock()
	if space := e.namespaces[ns]; space != nil {
		if g, ok := space.graphs.get(name); ok {
			n := 0
			for _, v := range g.kept() {
				n += len(v.spec.Triggers)
				v.spec.Triggers, v.schedules = []transport.CronTrigger{}, nil
			}
			e.cancelTriggers(g)
			return n, nil
		}
	}
	return 0, notFound("cancel triggers", "Graph template "+clip.Text(name)+" not found in namespace "+clip.Text(ns))
}
