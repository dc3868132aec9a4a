package exotest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
)

// Stub replaces the function of a node, in this state manager only, and records
// the calls of it. Everything else stays: codecs, schemas, timeout, and what the
// runtime makes of the return. Stub again replaces the stub.
func Stub[In, Out, Sec any](m *StateManager, n *node.Node[In, Out, Sec], fn func(ctx context.Context, in In, sec Sec) (Out, error)) *Calls[In, Out] {
	m.t.Helper()
	stub, err := node.New(n.Name(), fn)
	if err != nil {
		m.t.Fatalf("exotest: stub: %v", err)
	}
	return doubleOf(m, n, stub).calls
}

// StubFanOut is Stub with a function that gives any number of outputs.
func StubFanOut[In, Out, Sec any](m *StateManager, n *node.Node[In, Out, Sec], fn func(ctx context.Context, in In, sec Sec) ([]Out, error)) *Calls[In, Out] {
	m.t.Helper()
	stub, err := node.NewFanOut(n.Name(), fn)
	if err != nil {
		m.t.Fatalf("exotest: stub: %v", err)
	}
	return doubleOf(m, n, stub).calls
}

// RemoteStub gives a function to a node that other runtimes serve (see
// [exo.Remote]), registers it in their namespace, and records the calls. For a
// node that fans out, use [StubFanOut].
func RemoteStub[In, Out any](m *StateManager, n *node.Node[In, Out, exo.None], fn func(ctx context.Context, in In) (Out, error)) *Calls[In, Out] {
	m.t.Helper()
	if n.Namespace() == "" {
		m.t.Fatalf("exotest: RemoteStub: node %q is not Remote: use Stub", n.Name())
	}
	if fn == nil {
		m.t.Fatalf("exotest: RemoteStub: the function of node %q is nil", n.Name())
	}
	return Stub(m, n, func(ctx context.Context, in In, _ exo.None) (Out, error) { return fn(ctx, in) })
}

// Record records the calls of a node's function, or of its stub.
func Record[In, Out, Sec any](m *StateManager, n *node.Node[In, Out, Sec]) *Calls[In, Out] {
	m.t.Helper()
	return doubleOf(m, n, nil).calls
}

// Calls are those of one node, in the order in which they ended. It is safe for
// concurrent use.
type Calls[In, Out any] struct {
	mu  sync.Mutex
	all []Call[In, Out]
}

// A Call is one of a node's function. Secrets are not recorded.
type Call[In, Out any] struct {
	In   In
	Outs []Out
	Err  error // also a signal; [ErrNoReturn] if the function panicked
	Info node.Info
	At   time.Duration // when it began, since the state manager was made
}

// ErrNoReturn is the error of a call that ended by a panic or by
// [runtime.Goexit], as t.Fatal does it.
var ErrNoReturn = errors.New("the function did not return")

// All are the calls so far.
func (c *Calls[In, Out]) All() []Call[In, Out] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

// Len is the number of calls so far.
func (c *Calls[In, Out]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

// Inputs are the inputs of the calls so far.
func (c *Calls[In, Out]) Inputs() []In {
	c.mu.Lock()
	defer c.mu.Unlock()
	inputs := make([]In, len(c.all))
	for i := range c.all {
		inputs[i] = c.all[i].In
	}
	return inputs
}

// A double stands in for a node: it calls the function of base and records the
// call.
type double[In, Out, Sec any] struct {
	m     *StateManager
	calls *Calls[In, Out]
	node  *node.Node[In, Out, Sec] // whose function is call

	mu   sync.Mutex
	base *node.Node[In, Out, Sec]
}

// doubleOf is the double of n, made if need be. It calls stub, if there is one.
func doubleOf[In, Out, Sec any](m *StateManager, n *node.Node[In, Out, Sec], stub *node.Node[In, Out, Sec]) *double[In, Out, Sec] {
	m.t.Helper()
	m.start()
	key := nodeKey{cmp.Or(n.Namespace(), m.config.namespace), n.Name()}
	known := m.doubles.get(key)
	d, ok := known.(*double[In, Out, Sec])
	switch {
	case known != nil && !ok:
		m.t.Fatalf("exotest: node %q has a stub of other types already", n.Name())
	case known == nil && stub == nil && n.Namespace() != "":
		m.t.Fatalf("exotest: Record: node %q is Remote, and has no function here: use RemoteStub, which records, too", n.Name())
	case known == nil:
		d = &double[In, Out, Sec]{m: m, calls: &Calls[In, Out]{}, base: n}
		var err error
		if d.node, err = node.NewFanOut(n.Name(), d.call); err != nil {
			m.t.Fatalf("exotest: %v", err)
		}
		m.doubles.set(key, d)
		if n.Namespace() != "" {
			if err := m.register(key.namespace, exo.Nodes(d.node)); err != nil {
				m.t.Fatalf("exotest: %v", err)
			}
		}
	}
	if stub != nil {
		d.mu.Lock()
		d.base = stub
		d.mu.Unlock()
	}
	return d
}

func (d *double[In, Out, Sec]) call(ctx context.Context, in In, sec Sec) ([]Out, error) {
	d.mu.Lock()
	base := d.base
	d.mu.Unlock()
	c := Call[In, Out]{In: in, Err: ErrNoReturn, Info: exo.Info(ctx), At: d.m.Elapsed()}
	defer func() {
		d.calls.mu.Lock()
		defer d.calls.mu.Unlock()
		d.calls.all = append(d.calls.all, c)
	}()
	c.Outs, c.Err = base.Call(ctx, in, sec)
	return c.Outs, c.Err
}

func (d *double[In, Out, Sec]) standIn() node.Any { return d.node }
