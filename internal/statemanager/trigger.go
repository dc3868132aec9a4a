package statemanager

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/ids"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// Trigger starts a run of the serving version of a graph. The inputs replace
// those of the graph's root with the same names; others are ignored. They are
// data: placeholders in them are not read (protocol.md §7, §14).
func (e *Engine) Trigger(now time.Time, ns, name string, t transport.TriggerSpec) (runID string, err error) {
	const op = "trigger"
	if err := refused(op, checkTrigger(&t)...); err != nil {
		return "", err
	}
	e.enter(now)
	defer e.mu.Unlock()
	if err := e.refuseTrigger(op); err != nil {
		return "", err
	}
	var g *storedGraph
	if space := e.namespaces[ns]; space != nil {
		g, _ = space.graphs.get(name)
	}
	if g == nil {
		return "", notFound(op, "Graph template not found for namespace "+clip.Text(ns)+" and graph "+clip.Text(name))
	}
	serving := g.serving()
	if serving == nil {
		return "", badRequest(op, e.notValid(g))
	}
	return e.start(g.namespace, serving.program, t)
}

func checkTrigger(t *transport.TriggerSpec) graph.Problems {
	var wrong graph.Problems
	if t.StartDelay < 0 {
		wrong.Add(graph.Below{Least: 0}, t.StartDelay.Milliseconds(), "start_delay")
	}
	if len(t.Store) > graph.MaxStoreKeys {
		wrong.Add(graph.TooMany{Most: graph.MaxStoreKeys, Got: len(t.Store)}, nil, "store")
		return wrong
	}
	var unfit []string // most often none, which is to cost nothing
	for k, v := range t.Store {
		if len(k) > graph.MaxNameBytes || len(v) > graph.MaxStoreValueBytes {
			unfit = append(unfit, k)
		}
	}
	slices.Sort(unfit)
	for _, k := range unfit {
		if len(k) > graph.MaxNameBytes {
			wrong.Add(graph.TooLong{Most: graph.MaxNameBytes}, clip.Text(k), "store")
		}
		if len(t.Store[k]) > graph.MaxStoreValueBytes {
			wrong.Add(graph.TooLong{Most: graph.MaxStoreValueBytes}, clip.Text(t.Store[k]), "store", k)
		}
	}
	return wrong
}

// start starts a run of a program.
func (e *Engine) start(ns *namespace, p *program, t transport.TriggerSpec) (string, error) {
	const op = "trigger"
	store := make(map[string]string, len(p.defaults)+len(t.Store))
	maps.Copy(store, p.defaults)
	maps.Copy(store, t.Store)
	inputs, err := e.rootInputs(p, t.Inputs, store)
	if err != nil {
		return "", badRequest(op, "Invalid input: "+err.Error())
	}
	var missing []string
	for _, k := range p.required {
		if _, ok := store[k]; !ok {
			missing = append(missing, "'"+clip.Text(k)+"'")
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return "", badRequest(op, "Missing store keys: {"+strings.Join(missing, ", ")+"}")
	}
	e.created++
	r := &run{
		id: ids.UUID(e.rand.Uint64(), e.rand.Uint64()), namespace: ns, program: p, order: e.created, created: e.now, store: store,
	}
	e.runs[r.id] = r
	ns.runs = append(ns.runs, r)
	st := e.newState(r, p.root, nil, &r.root)
	st.inputs = inputs
	r.root.enter()
	e.schedule(st, after(e.now, t.StartDelay))
	e.settled()
	return r.id, nil
}

// MaxStateInputBytes is the largest size of a state's inputs with all
// placeholders filled in: outputs that are read many times multiply. It is also
// the size of the largest response that a client reads.
const MaxStateInputBytes = 16 << 20

// rootInputs makes the inputs of a run's first state.
func (e *Engine) rootInputs(p *program, given, store map[string]string) (transport.Object, error) {
	dst := []byte{'{'}
	for i, in := range p.rootInputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsontext.AppendString(dst, in.name), ':')
		if v, ok := given[in.name]; ok {
			dst = jsontext.AppendString(dst, v)
			continue
		}
		dst = append(dst, '"')
		for _, part := range in.parts {
			if part.kind == literalPart {
				dst = append(dst, part.text...)
				continue
			}
			v, ok := store[part.text]
			if !ok { // the "400: " is the reference server's
				return nil, fmt.Errorf("400: Dependent %s not found in store for root node %s", clip.Text(part.text), clip.Text(p.root.identifier))
			}
			if dst = appendText(dst, v); len(dst) > MaxStateInputBytes {
				break
			}
		}
		dst = append(dst, '"')
	}
	if len(dst) > MaxStateInputBytes {
		return nil, fmt.Errorf("the inputs of %s are larger than %d bytes", clip.Text(p.root.identifier), MaxStateInputBytes)
	}
	return append(dst, '}'), nil
}
