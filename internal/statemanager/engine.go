// Package statemanager implements a state manager as a deterministic state
// machine: the rules of protocol.md and nothing else. Its [Engine] reads no
// clock, starts no goroutine and does no I/O. Each call is given the time,
// makes its whole transition under one lock, and takes IDs, tokens and jitter
// from one source of randomness. So equal sequences of calls give equal states.
//
// register.go holds nodes. upsert.go and graph.go turn a graph that
// internal/graph has checked into a program. trigger.go, claim.go, report.go,
// next.go, join.go and retry.go run it.
package statemanager

import (
	crand "crypto/rand"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
)

// Options configures an [Engine]. The zero value is ready to use.
type Options struct {
	// Rand is the source of IDs, lease tokens and jitter. The engine uses it
	// under its lock, and it must have no other user. nil means a ChaCha8
	// generator seeded by the operating system.
	Rand rand.Source

	// DefaultLease is the lease of claims that ask for none. With 0 such claims
	// never expire, as on the reference server.
	DefaultLease time.Duration

	// Rules chooses how joins and upserts behave. The zero value means the
	// rules of this project (protocol.md §14).
	Rules Rules

	// OnChange, if not nil, is called for every transition of a state, in
	// order, under the engine's lock and before the call that made the
	// transition returns. It must not call the engine.
	OnChange func(Change)

	// KeepRuns is the number of terminal runs that each namespace keeps. Beyond
	// it, the runs that became terminal first are dropped with their states and
	// stores. 0 keeps all. Pending runs are never dropped.
	KeepRuns int

	// KeepStates bounds the number of states of terminal runs in the same way,
	// except that the run that became terminal last is always kept. 0 means no
	// bound.
	KeepStates int
}

// A Change is one transition of a state, with what a wake-up or a journal
// needs.
type Change struct {
	Namespace, Node string           // the queue: namespace and name of the state's node
	StateID, RunID  string           //
	From, To        transport.Status // From is empty for a new state; CREATED in To means claimable from Due on
	Due             time.Time        // when the state can be claimed, or could when it was created
	RunAtRest       bool             // the run has no pending state left, and its joins are decided
}

// An Engine holds nodes, graphs, runs and states. It is safe for concurrent
// use. Its time is the latest that a call has given. An earlier time counts as
// that; a time before 1970 or after 2262 counts as the nearest within this
// range.
//
// Every error is a [*transport.Error] with the status of the HTTP response and,
// as its message, the "detail" of that response.
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
	created    uint64 // number of runs and states created so far, which orders them

	draining bool // no more runs start

	leases    timeline[*state] // by the end of the lease; the order is the token
	leased    int              // states under a lease; the other entries of leases are stale
	claimed   uint64           // number of claims so far
	crons     timeline[*cronTrigger]
	cronsLive int

	changes []changed
	touched *run // the run that changes belong to
	// Scratch space, empty between calls.
	scratchJSON    []byte
	scratchArray   []byte
	scratchOutputs []string
	scratchValues  []value
	scratchNext    []transport.Object
}

// A namespace holds nodes, graphs and runs, separate from those of others.
type namespace struct {
	name   string
	nodes  registry[*node]
	graphs registry[*storedGraph]
	runs   []*run                 // in order of creation
	queues map[string]*readyQueue // by node

	resting restingRuns
}

// A registry is a map that remembers the order in which names were added.
type registry[T any] struct {
	byName map[string]T
	order  []T
}

func (r *registry[T]) get(name string) (T, bool) {
	v, ok := r.byName[name]
	return v, ok
}

// add adds a name that is not in the registry.
func (r *registry[T]) add(name string, v T) {
	if r.byName == nil {
		r.byName = make(map[string]T)
	}
	r.byName[name] = v
	r.order = append(r.order, v)
}

// New returns an Engine without nodes or graphs.
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

// enter takes the lock, moves time forward and handles what is due by then. The
// caller unlocks.
func (e *Engine) enter(now time.Time) {
	e.mu.Lock()
	e.now = max(e.now, nanos(now))
	e.advance()
}

// namespace returns the namespace with that name, and creates it if necessary.
func (e *Engine) namespace(name string) *namespace {
	ns := e.namespaces[name]
	if ns == nil {
		ns = &namespace{name: name, queues: make(map[string]*readyQueue)}
		e.namespaces[name] = ns
	}
	return ns
}

// state returns the state with that ID, written in hexadecimal digits of either
// case.
func (e *Engine) state(id string) (*state, bool) {
	st := e.ids.find(id)
	return st, st != nil
}

// workerState returns a state to its workers, which are in the namespace of the
// state's node. The graph's namespace may differ.
func (e *Engine) workerState(op, ns, id string) (*state, error) {
	if st, ok := e.state(id); ok && st.place.namespace == ns {
		return st, nil
	}
	return nil, notFound(op, "State not found")
}

// graphState returns a state to clients of the graph's namespace.
func (e *Engine) graphState(op, ns, id string) (*state, error) {
	if st, ok := e.state(id); ok && st.run.namespace.name == ns {
		return st, nil
	}
	return nil, notFound(op, "State not found")
}

// run returns the run with that ID in a namespace.
func (e *Engine) run(op, ns, id string) (*run, error) {
	if r := e.runs[id]; r != nil && r.namespace.name == ns {
		return r, nil
	}
	return nil, notFound(op, "Run "+clip.Text(id)+" not found in namespace "+clip.Text(ns))
}
