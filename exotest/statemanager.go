package exotest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

const (
	defaultSeed  = 1
	defaultLimit = 100_000
)

// A StateManager is an in-memory state manager for tests: the engine of
// exo/local, with the rules, order and messages of a real one, and the same ids
// every time.
//
// It is driven ([StateManager.Drive] and its like): the states of its graphs are
// executed by the caller's goroutine, one at a time and in a fixed order, and
// time moves on to whatever is due next. Time within a node is real: a node that
// sleeps, or waits for its time-out, belongs in a [testing/synctest] bubble. A
// state manager that is made in one (see [Bubble]) follows the bubble's time, and
// real runtimes may be put over it.
//
// It is a [transport.StateManager], and its transports have all optional
// abilities. So code that uses an [exo.StateManager] can be given it. Calls that
// wait do not outside of a bubble, except that to wait for a run drives it.
//
// It is safe for concurrent use, but one goroutine should drive it at a time.
type StateManager struct {
	t      testing.TB
	config managerConfig
	clock  *clock

	once   sync.Once
	engine *statemanager.Engine // by start

	nodes    nodeSet
	flights  flights
	doubles  doubles
	refusals refusals
	faulty   transport.StateManager // by start: what others see of m

	mu      sync.Mutex
	changed chan struct{} // closed at the next change of a state; nil: nobody waits
	alarm   *time.Timer   // in a bubble: when the engine has something to do by itself
	over    bool          // the test has ended
}

var (
	_ transport.StateManager    = (*StateManager)(nil)
	_ transport.NamespaceLister = (*StateManager)(nil)
)

// NewStateManager makes a state manager. The nodes are registered in its
// namespace, "test". Those that a graph was built from register themselves when
// it is driven, so only nodes of graphs that were built without types need to be
// given.
func NewStateManager(t testing.TB, nodes ...node.Any) *StateManager {
	t.Helper()
	m := &StateManager{
		t:      t,
		config: managerConfig{execution: newExecution(t), namespace: defaultNamespace, start: defaultStart, seed: defaultSeed, limit: defaultLimit},
	}
	m.doubles.init(m)
	m.clock = newClock(defaultStart)
	m.nodes.first = nodes
	if len(nodes) > 0 {
		if _, err := m.newExecutor(defaultNamespace, nodes, view{m, true}); err != nil {
			t.Fatalf("exotest: %v", err)
		}
	}
	t.Cleanup(m.finish)
	return m
}

// With sets options, and returns m. It must be called before anything else.
func (m *StateManager) With(opts ...ManagerOption) *StateManager {
	m.t.Helper()
	if m.engine != nil {
		m.t.Fatal("exotest: With must be called before the state manager is used")
	}
	for _, o := range opts {
		o.applyManager(&m.config)
	}
	if !m.clock.bubble {
		m.clock = newClock(m.config.start)
	}
	for _, f := range m.config.faults {
		if err := f.check(m.clock.bubble); err != nil {
			m.t.Fatalf("exotest: %v", err)
		}
	}
	return m
}

// start makes the engine when it is first needed, and registers the first nodes.
func (m *StateManager) start() *statemanager.Engine {
	m.once.Do(func() {
		m.engine = statemanager.New(statemanager.Options{
			Rand:         newRand(m.config.seed),
			DefaultLease: m.config.lease,
			Rules:        statemanager.Rules{AsReference: m.config.asReference},
			OnChange:     m.noteChange,
		})
		m.faulty = m.withFaults(view{m, false})
		if len(m.nodes.first) > 0 {
			if err := m.register(m.config.namespace, m.nodes.first); err != nil {
				m.t.Errorf("exotest: %v", err)
			}
		}
	})
	return m.engine
}

// finish is called when the test ends.
func (m *StateManager) finish() {
	m.mu.Lock()
	m.over = true
	if m.alarm != nil {
		m.alarm.Stop()
	}
	m.mu.Unlock()
	m.doubles.checkUsed()
}

// Now is the state manager's time.
func (m *StateManager) Now() time.Time { return m.clock.now() }

// Elapsed is how much time has passed since the state manager was made.
func (m *StateManager) Elapsed() time.Duration { return m.clock.elapsed() }

// Advance lets time pass in which nothing is executed, as if no runtime were up:
// cron triggers start their runs, and leases end.
func (m *StateManager) Advance(d time.Duration) {
	engine := m.start()
	end := m.clock.now().Add(d)
	for {
		next, ok := engine.NextEvent()
		if !ok || next.After(end) {
			break
		}
		m.clock.pass(next, nil)
		engine.Advance(m.clock.now())
	}
	m.clock.pass(end, nil)
	engine.Advance(m.clock.now())
}

// Client makes a client of the state manager, in its namespace.
func (m *StateManager) Client(t testing.TB, opts ...exo.ManagerOption) *exo.StateManager {
	t.Helper()
	return m.client(t, m, opts...)
}

func (m *StateManager) client(t testing.TB, sm transport.StateManager, opts ...exo.ManagerOption) *exo.StateManager {
	t.Helper()
	opts = append([]exo.ManagerOption{exo.WithStateManager(sm), exo.WithLogger(m.config.logger)}, opts...)
	c, err := exo.NewStateManager(m.config.namespace, opts...)
	if err != nil {
		t.Fatalf("exotest: %v", err)
	}
	return c
}

// Namespace gives the transport of a namespace, by direct calls.
func (m *StateManager) Namespace(name string) transport.Transport {
	m.start()
	return m.faulty.Namespace(name)
}

// Namespaces lists the namespaces that hold nodes, graphs or runs.
func (m *StateManager) Namespaces(ctx context.Context) ([]string, error) {
	m.start()
	if lister, ok := m.faulty.(transport.NamespaceLister); ok {
		return lister.Namespaces(ctx)
	}
	return nil, transport.ErrUnsupported
}

// noteChange hears of every transition of a state, under the engine's lock.
func (m *StateManager) noteChange(statemanager.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// change is closed at the next change of a state. Out of a bubble nobody waits
// for one.
func (m *StateManager) change() <-chan struct{} {
	if !m.clock.bubble {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return m.changed
}

// rearm sees to it that the engine, in a bubble, gets to know when the time of
// its next event has come, though nobody calls it.
func (m *StateManager) rearm() {
	if !m.clock.bubble {
		return
	}
	next, ok := m.engine.NextEvent()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.over || !ok && m.alarm == nil:
	case !ok:
		m.alarm.Stop()
	case m.alarm == nil:
		m.alarm = time.AfterFunc(time.Until(next), m.ring)
	default:
		m.alarm.Reset(time.Until(next))
	}
}

func (m *StateManager) ring() {
	m.engine.Advance(time.Now())
	m.rearm()
}
