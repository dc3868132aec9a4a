package exotest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

type nodeKey struct{ namespace, name string }

// A nodeSet knows who executes which nodes: the driver, or a runtime that has
// registered them.
type nodeSet struct {
	first []node.Any // given when the state manager was made

	mu        sync.Mutex
	driven    map[nodeKey]node.Any
	spaces    []*space           // of the driven nodes, in order of their registration
	elsewhere map[nodeKey]string // the runtimes of the others
}

// A space is a namespace of driven nodes.
type space struct {
	name     string
	nodes    []node.Any
	names    []string
	executor *exo.Executor // nil: to be made
}

// register makes the driver execute nodes. One that it knows by the same name
// is replaced, and one that a runtime in the bubble serves is left to it.
func (m *StateManager) register(namespace string, nodes []node.Any) error {
	if len(nodes) == 0 {
		return nil
	}
	if _, err := m.newExecutor(namespace, nodes, m.faulty); err != nil {
		return err // such as two nodes of one name
	}
	fresh := m.nodes.drive(namespace, nodes, m.clock.bubble())
	if len(fresh) == 0 {
		return nil
	}
	specs := make([]transport.NodeSpec, len(fresh))
	for i, n := range fresh {
		specs[i] = n.Spec()
	}
	return m.server.Register(m.config.ctx, namespace, runtimeName, specs)
}

// newExecutor makes what executes nodes as a runtime does. To report again, and
// to fetch secrets again, takes no time.
func (m *StateManager) newExecutor(namespace string, nodes []node.Any, sm transport.Provider) (*exo.Executor, error) {
	return exo.NewExecutor(namespace, runtimeName, nodes,
		exo.WithStateManager(sm), exo.WithLogger(m.config.logger),
		exo.WithMiddleware(m.config.middleware...), exo.WithMiddleware(m.Middleware()),
		exo.WithReportBackoff(func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, maxReports) }))
}

// maxReports is how often the driver reports again to a state manager that fails.
const maxReports = 1000

// drive adds nodes, and returns those that were not known.
func (s *nodeSet) drive(namespace string, nodes []node.Any, respect bool) (fresh []node.Any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.driven == nil {
		s.driven = make(map[nodeKey]node.Any)
	}
	for _, n := range nodes {
		key := nodeKey{namespace, n.Name()}
		if _, taken := s.elsewhere[key]; taken && respect {
			continue
		}
		delete(s.elsewhere, key)
		if s.driven[key] == n {
			continue
		}
		s.remove(key)
		s.driven[key] = n
		sp := s.space(namespace)
		sp.nodes = append(sp.nodes, n)
		sp.names = append(sp.names, n.Name())
		sp.executor = nil
		fresh = append(fresh, n)
	}
	return fresh
}

// takeOver hears of nodes that a runtime has registered.
func (s *nodeSet) takeOver(namespace, runtime string, specs []transport.NodeSpec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.elsewhere == nil {
		s.elsewhere = make(map[nodeKey]string)
	}
	for _, spec := range specs {
		key := nodeKey{namespace, spec.Name}
		s.remove(key)
		s.elsewhere[key] = runtime
	}
}

// remove takes away a driven node, if there is one of that name.
func (s *nodeSet) remove(key nodeKey) {
	if s.driven[key] == nil {
		return
	}
	delete(s.driven, key)
	sp := s.space(key.namespace)
	i := slices.Index(sp.names, key.name)
	sp.nodes = slices.Delete(sp.nodes, i, i+1)
	sp.names = slices.Delete(slices.Clone(sp.names), i, i+1) // others may hold the list
	sp.executor = nil
}

// space is the namespace of that name, made if need be.
func (s *nodeSet) space(name string) *space {
	for _, sp := range s.spaces {
		if sp.name == name {
			return sp
		}
	}
	sp := &space{name: name}
	s.spaces = append(s.spaces, sp)
	return sp
}

// A queue is what the driver may claim in a namespace.
type queue struct {
	namespace string
	nodes     []string
}

// queues are those of all namespaces, in order of registration.
func (s *nodeSet) queues() []queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]queue, len(s.spaces))
	for i, sp := range s.spaces {
		list[i] = queue{sp.name, sp.names}
	}
	return list
}

// server says who executes a node: driven, a runtime, or none.
func (s *nodeSet) server(key nodeKey) (n node.Any, runtime string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.driven[key], s.elsewhere[key]
}

// others are the queues of the nodes that runtimes serve.
func (s *nodeSet) others() []queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []queue
	for key := range s.elsewhere {
		list = append(list, queue{key.namespace, []string{key.name}})
	}
	return list
}

// executor is that of the driven nodes of a namespace.
func (m *StateManager) executor(namespace string) (*exo.Executor, error) {
	m.nodes.mu.Lock()
	defer m.nodes.mu.Unlock()
	sp := m.nodes.space(namespace)
	if sp.executor == nil {
		x, err := m.newExecutor(namespace, sp.nodes, m.faulty)
		if err != nil {
			return nil, fmt.Errorf("execute nodes of namespace %q: %w", namespace, err)
		}
		sp.executor = x
	}
	return sp.executor, nil
}
