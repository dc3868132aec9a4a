package statemanager

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/cron"
	"github.com/exospherehost/exo-go/internal/graph"
)

// A storedGraph is a graph under its name: the version written last and, while
// that is INVALID, the previous one that is serving.
type storedGraph struct {
	namespace *namespace
	name      string
	created   int64
	versions  int      // number written so far; they are numbered from 1
	latest    *version // the one that clients read
	standby   *version // the last that served before latest; nil once latest has served, or if there is none
	scheduled *version // the one whose triggers are scheduled, or nil
	triggers  []*cronTrigger
}

// A version is a graph as written once.
type version struct {
	number    int
	spec      transport.GraphSpec // normalized
	layout    *graph.Layout
	schedules []*cron.Schedule // of its triggers
	updated   int64            // when it was written or last validated
	errors    []string         // why it is INVALID
	program   *program         // nil if it is INVALID
	served    bool             // it has been valid
}

// serving returns the version that new runs execute, or nil if none is valid.
// The latest version has precedence, also if it has become valid only since.
func (g *storedGraph) serving() *version {
	for _, v := range g.kept() {
		if v.program != nil {
			return v
		}
	}
	return nil
}

// kept returns the versions that may serve, the latest first.
func (g *storedGraph) kept() []*version {
	if g.standby == nil {
		return []*version{g.latest}
	}
	return []*version{g.latest, g.standby}
}

// notValid returns why no run of a graph can be started.
func (e *Engine) notValid(g *storedGraph) string {
	text := "Graph template is not valid"
	if e.rules.invalidReplaces {
		return text // no details, like the reference server
	}
	text += ": " + strings.Join(graph.Distinct(g.latest.errors), "; ")
	if g.standby != nil {
		text += fmt.Sprintf("; version %d, which served before, does not fit the registered nodes any more: %s",
			g.standby.number, strings.Join(graph.Distinct(g.standby.errors), "; "))
	}
	return text
}

// validate compares a version with the registered nodes and compiles it if it
// fits.
func (e *Engine) validate(name string, v *version) {
	v.updated = e.now
	v.program, v.errors = nil, nil
	for _, m := range v.layout.CheckNodes(e.schemas, v.spec.Secrets) {
		v.errors = append(v.errors, m.Text)
	}
	if len(v.errors) == 0 {
		v.program = e.compile(name, v.layout, &v.spec)
	}
}

// settleVersions updates the versions and triggers of a graph after validation.
func (e *Engine) settleVersions(g *storedGraph) {
	if g.latest.program != nil {
		g.latest.served, g.standby = true, nil
	}
	serving := g.serving()
	if serving == g.scheduled {
		return
	}
	e.cancelTriggers(g)
	if g.scheduled = serving; serving != nil {
		e.addTriggers(g, serving.schedules)
	}
}

// revalidate validates the versions that place one of these nodes.
func (e *Engine) revalidate(nodes map[graph.NodeKey]bool) {
	if len(nodes) == 0 {
		return
	}
	for _, ns := range e.namespaces {
		for _, g := range ns.graphs.order {
			for _, v := range g.kept() {
				if slices.ContainsFunc(v.layout.Steps, func(s *graph.Step) bool { return nodes[s.NodeKey()] }) {
					e.validate(g.name, v)
				}
			}
			e.settleVersions(g)
		}
	}
}
