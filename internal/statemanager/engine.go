// Package statemanager is a state manager as a deterministic state machine:
// the rules of protocol.md and nothing else. Its [Engine] reads no clock,
// starts no goroutine and does no I/O: every call is given the time, does its
// whole transition at once under one lock, and takes ids, tokens and jitter
// from one source of randomness. So the same calls give the same states.
//
// Where to find what: register.go knows nodes; upsert.go and graph.go turn a
// graph that internal/graph has checked into a program;
// trigger.go, claim.go, report.go, next.go, join.go and retry.go run it.
package statemanager

import (
	crand "crypto/rand"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
)

// Options configures an [Engine]. The zero value is fit for use.
type Options struct {
	// Rand is where ids, lease tokens and jitter come from. The engine uses it
	// under its lock and it must be used by nobody else. nil is a ChaCha8
	// generator with a seed of the operating system.
	Rand rand.Source

	// DefaultLease is the lease of claims that ask for none. 0: they never
	// expire, as with the reference server.
	DefaultLease time.Duration

	// Rules says how joins and upserts behave. The zero value is ours (protocol.md §14).
	Rules Rules

	// OnChange, if not nil, is told every transition of a state, in order, under
	// the engine's lock and before the call that made it returns. It must not
	// call the engine.
	OnChange func(Change)

	// KeepRuns is how many runs at rest each namespace keeps: those that came to
	// rest first are dropped beyond it, with their states and stores. 0 keeps them
	// all. Runs under way are never dropped.
	KeepRuns int

	// KeepStates bounds the states of runs at rest in the same way, except that
	// the run that came to rest last is always kept. 0: no bound.
	KeepStates int
}

// A Change is one transition of a state: what a wake-up or a journal needs.
type Change struct {
	Namespace, Node string           // the queue: the namespace and the name of the state's node
	StateID, RunID  string           //
	From, To        transport.Status // From is empty for a state that is new; To == CREATED: it may be claimed from Due on
	Due             time.Time        // when the state may be claimed, or could when it was created
	RunAtRest       bool             // the run has no pending state any more, and its joins are decided
}

// An Engine holds nodes, graphs, runs and states. It is safe for concurrent
// use. Its time is the latest that a call has been given; an earlier one counts
// as that, and one before 1970 or after 2262 as the nearest of these.
//
// Every error is a [*transport.Error] with the status that the HTTP protocol
// answers and, as its message, the "detail" of that answer.
type Engine struct {
	mu sync.Mutex

	rand         *rand.Rand
	defaultLease time.Duration
	rules        joinRules
	onChange     func(Change)
	keepRuns     int
	keepStates   int

	now        int64 // unix nanoseconds
	namespaces map[string]*namespace
	runs       map[string]*run
	ids        idTable
	created    uint64 // runs and states made so far: their order

	leases    timeline[*state] // by the end of the lease; the order is the token
	leased    int              // states under a lease; the rest of leases is stale
	claimed   uint64           // claims made so far
	crons     timeline[*cronTrigger]
	cronsLive int

	changes []changed
	touched *run // the run that changes belong to
	// Room for what is made on the way; empty between calls.
	scratchJSON    []byte
	scratchArray   []byte
	scratchOutputs []string
	scratchValues  []value
	scratchNext    []transport.Object
}

// A namespace keeps nodes, graphs and runs apart from those of others.
type namespace struct {
	name   string
	nodes  registry[*node]
	graphs registry[*storedGraph]
	runs   []*run                 // in order of creation
	queues map[string]*readyQueue // by node

	resting restingRuns
}

// A registry is a map that remembers the order in which names came.
type registry[T any] struct {
	byName map[string]T
	order  []T
}

func (r *registry[T]) get(name string) (T, bool) {
	v, ok := r.byName[name]
	return v, ok
}

// add adds a name that is not there yet.
func (r *registry[T]) add(name string, v T) {
	if r.byName == nil {
		r.byName = make(map[string]T)
	}
	r.byName[name] = v
	r.order = append(r.order, v)
}

// New makes an Engine without nodes or graphs.
func New(o Options) *Engine {
	src := o.Rand
	if src == nil {
		var seed [32]byte
		_, _ = crand.Read(seed[:]) // never fails
		src = rand.NewChaCha8(seed)
	}
	return &Engine{
		rand:         rand.New(src),
		defaultLease: max(0, o.DefaultLease),
		rules:        o.Rules.joins(),
		onChange:     o.OnChange,
		keepRuns:     o.KeepRuns,
		keepStates:   o.KeepStates,
		namespaces:   make(map[string]*namespace),
		runs:         make(map[string]*run),
	}
}

// enter takes the lock and moves time forward: what is due by then happens
// before the call that enters. The caller unlocks.
func (e *Engine) enter(now time.Time) {
	e.mu.Lock()
	e.now = max(e.now, nanos(now))
	e.advance()
}

// namespace is the namespace of that name, made if need be.
func (e *Engine) namespace(name string) *namespace {
	ns := e.namespaces[name]
	if ns == nil {
		ns = &namespace{name: name, queues: make(map[string]*readyQueue)}
		e.namespaces[name] = ns
	}
	return ns
}

// state is the state with that id, in hexadecimal digits of either case.
func (e *Engine) state(id string) (*state, bool) {
	st := e.ids.find(id)
	return st, st != nil
}

// workerState is a state as its node's workers see it: they are in the node's
// namespace, which need not be the graph's.
func (e *Engine) workerState(op, ns, id string) (*state, error) {
	if st, ok := e.state(id); ok && st.place.namespace == ns {
		return st, nil
	}
	return nil, notFound(op, "State not found")
}

// graphState is a state as those see it who manage its graph.
func (e *Engine) graphState(op, ns, id string) (*state, error) {
	if st, ok := e.state(id); ok && st.run.namespace.name == ns {
		return st, nil
	}
	return nil, notFound(op, "State not found")
}

// run is the run with that id in a namespace.
func (e *Engine) run(op, ns, id string) (*run, error) {
	if r := e.runs[id]; r != nil && r.namespace.name == ns {
		return r, nil
	}
	return nil, notFound(op, "Run "+clip.Text(id)+" not found in namespace "+clip.Text(ns))
}
