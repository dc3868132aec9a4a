package exotest

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/server"
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
// sleeps, or waits for its timeout, belongs in a [testing/synctest] bubble. A
// state manager that is made in one (see [Bubble]) follows the bubble's time, and
// real runtimes may be put over it.
//
// It is a [transport.Provider], and its transports have all optional
// abilities. So code that uses an [exo.StateManager] can be given it. Calls that
// wait do not outside of a bubble, except that to wait for a run drives it.
//
// It is safe for concurrent use, but one goroutine should drive it at a time.
type StateManager struct {
	t      testing.TB
	config managerConfig
	clock  *clock

	once   sync.Once
	server *server.Server // by start

	nodes    nodeSet
	flights  flights
	doubles  doubles
	refusals refusals
	faulty   transport.Provider // by start: what others see of m

	mu      sync.Mutex
	changed chan struct{} // closed at the next change of a state; nil: nothing waits
}

var (
	_ transport.Provider        = (*StateManager)(nil)
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
		if _, err := m.newExecutor(defaultNamespace, nodes, nowhere{}); err != nil {
			t.Fatalf("exotest: %v", err)
		}
	}
	t.Cleanup(m.finish)
	return m
}

// With sets options, and returns m. It must be called before anything else.
func (m *StateManager) With(opts ...ManagerOption) *StateManager {
	m.t.Helper()
	if m.server != nil {
		m.t.Fatal("exotest: With must be called before the state manager is used")
	}
	for _, o := range opts {
		o.applyManager(&m.config)
	}
	if !m.clock.bubble() {
		m.clock = newClock(m.config.start)
	}
	for _, f := range m.config.faults {
		if err := f.check(m.clock.bubble()); err != nil {
			m.t.Fatalf("exotest: %v", err)
		}
	}
	return m
}

// nowhere is for executors that are only checked.
type nowhere struct{}

func (nowhere) Namespace(string) transport.Transport { return transport.Unimplemented{} }

// start makes the server when it is first needed, and registers the first nodes.
func (m *StateManager) start() *server.Server {
	m.once.Do(func() {
		o := server.Options{
			Engine: statemanager.Options{
				Rand:         newRand(m.config.seed),
				DefaultLease: m.config.lease,
				Rules:        statemanager.Rules{AsReference: m.config.asReference},
				OnChange:     m.noteChange,
			},
			WithoutExtensions: m.config.withoutExtensions,
		}
		if !m.clock.bubble() {
			o.Clock, o.Idle = m.clock.own, m.idle
		}
		m.server = server.New(o)
		m.faulty = m.withFaults(&server.View{Server: m.server, Before: m.refusals.next, Registered: m.nodes.takeOver})
		if len(m.nodes.first) > 0 {
			if err := m.register(m.config.namespace, m.nodes.first); err != nil {
				m.t.Errorf("exotest: %v", err)
			}
		}
	})
	return m.server
}

// calm is the state manager without [WithFaults] and [StateManager.FailNext].
func (m *StateManager) calm() *server.View {
	return &server.View{Server: m.start(), Registered: m.nodes.takeOver}
}

// idle is called where a call would wait, out of a bubble. To wait for a run
// drives it to its end, however long that takes.
func (m *StateManager) idle(ctx context.Context, namespace, runID string) error {
	if runID == "" {
		return noTime("claim", "a runtime cannot wait for states here, where time does not pass by itself: "+
			"make the state manager in a bubble of testing/synctest (see exotest.Bubble), or use its Drive")
	}
	if err := m.driveRun(ctx, m.t, namespace, runID); err != nil {
		return noTime("run", err.Error())
	}
	return nil
}

// noTime is the error of a call that would wait for ever, and that no further
// attempt fixes.
func noTime(op, message string) error {
	return &transport.Error{Op: op, Status: http.StatusUnprocessableEntity, Message: "exotest: " + message}
}

// finish is called when the test ends.
func (m *StateManager) finish() {
	if m.server != nil {
		m.server.Close()
	}
	m.doubles.checkUsed()
}

// Now is the state manager's time.
func (m *StateManager) Now() time.Time { return m.clock.now() }

// Elapsed is how much time has passed since the state manager was made.
func (m *StateManager) Elapsed() time.Duration { return m.clock.elapsed() }

// Advance lets time pass in which nothing is executed, as if no runtime were up:
// cron triggers start their runs, and leases end.
func (m *StateManager) Advance(d time.Duration) {
	m.start()
	m.clock.pass(m.clock.now().Add(d), nil)
	m.server.Advance() // a bubble's timers may not have come to it yet
}

// Client makes a client of the state manager, in its namespace.
func (m *StateManager) Client(t testing.TB, opts ...exo.ManagerOption) *exo.StateManager {
	t.Helper()
	return m.client(t, m, opts...)
}

func (m *StateManager) client(t testing.TB, sm transport.Provider, opts ...exo.ManagerOption) *exo.StateManager {
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

// change is closed at the next change of a state. Out of a bubble nothing waits
// for one.
func (m *StateManager) change() <-chan struct{} {
	if !m.clock.bubble() {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return m.changed
}
