package httpapi

import (
	"fmt"
	"math"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// The calls of clients (protocol.md §§4 and 12 and, of §13, run and cancel).

// putGraph responds PENDING, as clients expect, though the engine has checked
// the graph already; they ask again for the outcome.
func putGraph(c *call, b *graphBody) error {
	spec, err := b.spec(c.namespace(), c.params[1])
	if err != nil {
		return err
	}
	g, err := c.server.PutGraph(c.context(), c.namespace(), c.params[1], spec)
	if err != nil {
		return err
	}
	g.Status, g.Errors = transport.Pending, nil
	return c.graph(g)
}

func getGraph(c *call) error {
	g, err := c.server.Graph(c.namespace(), c.params[1])
	if err != nil {
		return err
	}
	return c.graph(g)
}

// graph responds with a graph, without its name, which the call said.
func (c *call) graph(g transport.GraphInfo) error {
	g.Name, g.Namespace = "", ""
	return c.json(newGraphAnswer(g))
}

func listGraphs(c *call) error {
	graphs := c.server.Graphs(c.namespace())
	a := graphsAnswer{Namespace: c.namespace(), Count: len(graphs), Templates: make([]graphAnswer, len(graphs))}
	for i := range graphs {
		a.Templates[i] = newGraphAnswer(graphs[i])
	}
	return c.json(a)
}

func listNodes(c *call) error {
	nodes := c.server.Nodes(c.namespace())
	a := nodesAnswer{Namespace: c.namespace(), Count: len(nodes), Nodes: make([]nodeAnswer, len(nodes))}
	for i, n := range nodes {
		a.Nodes[i] = newNodeAnswer(n)
	}
	return c.json(a)
}

func listNamespaces(c *call) error {
	names := orEmptyList(c.server.Namespaces())
	return c.json(namespacesAnswer{Namespaces: names, Count: len(names)})
}

func trigger(c *call, b *triggerBody) error {
	id, err := c.server.Trigger(c.context(), c.namespace(), c.params[1], transport.TriggerSpec{
		Inputs: b.Inputs, Store: b.Store, StartDelay: duration(b.StartDelay),
	})
	if err != nil {
		return err
	}
	return c.json(triggerAnswer{Status: "CREATED", RunID: id})
}

func cancelTriggers(c *call) error {
	n, err := c.server.CancelTriggers(c.context(), c.namespace(), c.params[1])
	if err != nil {
		return err
	}
	return c.json(cancelTriggersAnswer{
		Namespace: c.namespace(), Graph: c.params[1], Count: n,
		Message: fmt.Sprintf("Cancelled %d triggers of graph %s", n, c.params[1]),
	})
}

func manualRetry(c *call, b *retryBody) error {
	id, err := c.server.Retry(c.context(), c.namespace(), c.params[1], b.FanoutID, b.Force)
	if err != nil {
		return err
	}
	return c.json(retryAnswer{ID: id, Status: "CREATED"})
}

var pageNumber = atLeast(1)

// listRuns gives at most maxPage runs, and says so: the size in the response is
// the one that the pages are counted by.
func listRuns(c *call) error {
	r := reader{}
	var page, size int64
	r.parameter("path", "page", c.params[1], pageNumber, &page)
	r.parameter("path", "size", c.params[2], integer, &size)
	if err := r.verdict(); err != nil {
		return err
	}
	size = min(size, maxPage)
	p, err := c.server.Runs(c.namespace(), int(page), int(max(size, 1)))
	if err != nil {
		return err
	}
	if size < 1 {
		p.Runs = nil // a page for no runs is none to the reference server, and no error
	}
	p.Page, p.Size = int(page), int(size)
	a := runsAnswer{Namespace: c.namespace(), RunPage: p, Runs: make([]runAnswer, len(p.Runs))}
	for i, info := range p.Runs {
		a.Runs[i] = newRunAnswer(info)
	}
	return c.json(a)
}

// parameter reads a number that is part of the URL.
func (r *reader) parameter(place, name, value string, s shape[int64], into *int64) {
	r.enter(place)
	r.enter(name)
	_ = r.within(quote(value), func() error { return s.read(r, into) }) // a string is always JSON
	r.leave()
	r.leave()
}

func runGraph(c *call) error {
	g, err := c.server.RunGraph(c.namespace(), c.params[1])
	if err != nil {
		return err
	}
	return c.json(newRunGraphAnswer(&g))
}

func stateDetail(c *call) error {
	s, err := c.server.StateDetail(c.namespace(), c.params[1], c.params[2], c.params[3])
	if err != nil {
		return err
	}
	return c.json(newStateAnswer(&s, c.extended()))
}

var (
	waitMS     = atLeast(0)
	fromState  = atLeast(0)
	mostStates = atLeast(0)
)

// getRun waits for the run to become terminal, if it is asked to, and gives it as
// it then is, with the states that are asked for.
func getRun(c *call) error {
	var wait, from int64
	most, mostPending := int64(math.MaxInt), int64(math.MaxInt)
	query, r := c.request.URL.Query(), reader{}
	for _, p := range []struct {
		name  string
		shape shape[int64]
		into  *int64
	}{{"wait_ms", waitMS, &wait}, {"from", fromState, &from}, {"size", mostStates, &most}, {"pending_size", mostStates, &mostPending}} {
		if text := query.Get(p.name); text != "" {
			r.parameter("query", p.name, text, p.shape, p.into)
		}
	}
	if len(r.problems) > 0 {
		return r.verdict()
	}
	info, states, err := c.server.Run(c.context(), c.namespace(), c.params[1], min(duration(wait), maxWait),
		statemanager.Part{From: int(from), Most: int(most), MostPending: int(mostPending)})
	if err != nil {
		return err
	}
	a := runDetailAnswer{runAnswer: newRunAnswer(info), States: make([]stateAnswer, len(states))}
	for i := range states {
		a.States[i] = newStateAnswer(&states[i], c.extended())
	}
	return c.json(a)
}

func cancelRun(c *call) error {
	if err := c.server.CancelRun(c.context(), c.namespace(), c.params[1]); err != nil {
		return err
	}
	return c.json(statusAnswer{Status: string(transport.RunCancelled)})
}

func health(c *call) error { return c.json(messageAnswer{Message: "OK"}) }

func describe(c *call) error {
	c.out = append(c.out, c.openAPI...)
	return nil
}
