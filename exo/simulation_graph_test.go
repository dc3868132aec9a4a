package exo_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// A place is what a state of a simulated graph carries: the way that led to it.
// Together with its step it names the state, in whatever run of whatever attempt.
type place struct {
	Path string `json:"path"`
}

// A simStep is a step of a simulated graph.
type simStep struct {
	id       string
	node     int
	fans     bool                    // may fan out
	next     []*simStep              // run once for each of its outputs
	join     *simStep                // run once for each of its outputs, when all under next is done
	strategy transport.UniteStrategy // of join
}

// A world is the graph of a simulation and what its nodes do: all of it follows
// from the seed, and not from who executes what when.
type world struct {
	seed    uint64
	root    *simStep
	steps   int
	patient bool // there are more retries than anything uses up: each state ends as it is fated to
	retries int

	mu       sync.Mutex
	requeues map[string]int // by the ID of the state
	failures map[string]int // by step and place
}

func newWorld(seed uint64, dice *rand.Rand) *world {
	w := &world{seed: seed, requeues: make(map[string]int), failures: make(map[string]int), patient: dice.IntN(4) > 0, retries: 1000}
	if !w.patient {
		w.retries = dice.IntN(4)
	}
	const most = 120
	for range 20 { // until it is small enough
		w.steps = 0
		w.root = w.grow(dice, 1+dice.IntN(9))
		if w.patient && len(w.expected()) <= most || !w.patient && w.steps <= 6 {
			break
		}
	}
	return w
}

// grow makes a step and about as many below it as budget says.
func (w *world) grow(dice *rand.Rand, budget int) *simStep {
	w.steps++
	s := &simStep{id: "s" + strconv.Itoa(w.steps), node: dice.IntN(simNodes), fans: dice.IntN(3) == 0}
	budget--
	if budget > 1 && dice.IntN(3) == 0 {
		s.strategy = transport.AllSuccess
		if dice.IntN(2) == 0 {
			s.strategy = transport.AllDone
		}
		below := 1 + dice.IntN(budget-1)
		s.join = w.grow(dice, budget-below)
		budget = below
	}
	for budget > 0 && len(s.next) < 3 {
		share := 1 + dice.IntN(budget)
		s.next = append(s.next, w.grow(dice, share))
		budget -= share
	}
	return s
}

// dice are those of one state: the same whenever it is executed.
func (w *world) dice(id, path string) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s\x00%s", id, path)
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// A fate is what becomes of a state, and how it gets there.
type fate struct {
	status   exo.Status
	outputs  int
	takes    time.Duration
	failures int // attempts that fail first
	panics   bool
	requeues int
}

func (w *world) fate(s *simStep, path string) fate {
	dice := w.dice(s.id, path)
	f := fate{status: transport.StatusSuccess, outputs: 1}
	switch dice.IntN(12) {
	case 0:
		f.status = transport.StatusPruned
	case 1:
		f.status = transport.StatusErrored
	}
	if s.fans {
		f.outputs = 1 + dice.IntN(4)
	}
	if dice.IntN(4) == 0 {
		f.failures = 1 + dice.IntN(2)
		f.panics = dice.IntN(3) == 0
	}
	if dice.IntN(5) == 0 {
		f.requeues = 1 + dice.IntN(2)
	}
	if dice.IntN(2) == 0 {
		f.takes = time.Duration(dice.IntN(5000)) * time.Millisecond
	}
	return f
}

// outputs are the places that a state gives.
func outputs(s *simStep, path string, n int) []place {
	outs := make([]place, n)
	for i := range outs {
		outs[i].Path = fmt.Sprintf("%s/%s.%d", path, s.id, i)
	}
	return outs
}

// expected are the states that a run must come to, by step, place and output,
// each with its status. It is the model: a walk down the graph.
func (w *world) expected() map[string]exo.Status {
	found := make(map[string]exo.Status)
	w.walk(found, w.root, "")
	return found
}

// walk reports whether any state below failed.
func (w *world) walk(found map[string]exo.Status, s *simStep, path string) (failed bool) {
	f := w.fate(s, path)
	if f.status != transport.StatusSuccess {
		found[s.id+" "+path] = f.status
		return f.status == transport.StatusErrored
	}
	for _, out := range outputs(s, path, f.outputs) {
		found[s.id+" "+path+" "+out.Path] = f.status
		if len(found) > 10_000 {
			return false // too large anyway
		}
		below := false
		for _, n := range s.next {
			below = w.walk(found, n, out.Path) || below
		}
		failed = failed || below
		if s.join != nil && (s.strategy == transport.AllDone || !below) {
			failed = w.walk(found, s.join, out.Path) || failed
		}
	}
	return failed
}

// simNodes is how many nodes there are; the first has a limit.
const simNodes = 3

func (w *world) nodes() []*node.Node[place, place, exo.None] {
	all := make([]*node.Node[place, place, exo.None], simNodes)
	for i := range all {
		var opts []node.Option
		if i == 0 {
			opts = append(opts, exo.WithConcurrency(2))
		}
		all[i] = exo.FanOut("Node"+strconv.Itoa(i), w.execute, append(opts, exo.WithTimeout(time.Hour))...)
	}
	return all
}

// execute is the function of all nodes.
func (w *world) execute(ctx context.Context, in place, _ exo.None) ([]place, error) {
	info := exo.Info(ctx)
	s := w.root.find(info.Identifier)
	f := w.fate(s, in.Path)
	select {
	case <-time.After(f.takes):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	switch {
	case w.count(w.requeues, info.StateID) <= f.requeues:
		return nil, exo.RequeueAfter(700 * time.Millisecond)
	case w.count(w.failures, s.id+" "+in.Path) <= f.failures:
		if f.panics {
			panic("as it was fated to")
		}
		return nil, errors.New("not yet")
	case f.status == transport.StatusErrored:
		return nil, exo.Permanent(errors.New("never"))
	case f.status == transport.StatusPruned:
		return nil, exo.Prune(map[string]any{"path": in.Path})
	}
	return outputs(s, in.Path, f.outputs), nil
}

func (w *world) count(m map[string]int, key string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	m[key]++
	return m[key]
}

func (s *simStep) find(id string) *simStep {
	if s == nil || s.id == id {
		return s
	}
	for _, n := range s.next {
		if found := n.find(id); found != nil {
			return found
		}
	}
	return s.join.find(id)
}

// graph builds the graph.
func (w *world) graph(name string) *exo.Graph {
	g := exo.NewGraph(name).Retry(exo.RetryPolicy{
		MaxRetries: w.retries, Strategy: exo.ExponentialFullJitter, Backoff: 100 * time.Millisecond, Exponent: 2, MaxDelay: 5 * time.Second,
	})
	w.add(g, w.nodes(), w.root, place{}, nil, nil)
	return g
}

// add places a step and all below it. It gives the steps that nothing follows,
// for which a join waits.
func (w *world) add(g *exo.Graph, nodes []*node.Node[place, place, exo.None], s *simStep, in place, after []exo.AnyStep, anchor *exo.Step[place]) (ends []exo.AnyStep) {
	var opts []exo.StepOption
	if len(after) > 0 {
		opts = append(opts, exo.After(after...))
	}
	if anchor != nil {
		opts = append(opts, exo.UnitesEach(anchor, w.strategyOf(anchor.ID())))
	}
	step := exo.Add(g, s.id, nodes[s.node], in, opts...)
	for _, n := range s.next {
		ends = append(ends, w.add(g, nodes, n, step.Out, []exo.AnyStep{step}, nil)...)
	}
	if s.join != nil {
		return w.add(g, nodes, s.join, step.Out, ends, step)
	}
	if len(ends) == 0 {
		ends = []exo.AnyStep{step}
	}
	return ends
}

func (w *world) strategyOf(id string) transport.UniteStrategy { return w.root.find(id).strategy }

// String is the graph in short, for the report of a failure.
func (s *simStep) String() string {
	var b strings.Builder
	b.WriteString(s.id)
	if s.fans {
		b.WriteByte('*')
	}
	if len(s.next) > 0 {
		fmt.Fprintf(&b, "%v", s.next)
	}
	if s.join != nil {
		fmt.Fprintf(&b, " then %s %v", s.strategy, s.join)
	}
	return b.String()
}
