package exo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

// A StateManager is a client of a state manager, in one namespace: it writes
// graphs, triggers them, and reads their runs. It is safe for concurrent use.
// Errors that the state manager answers with are [*transport.Error].
type StateManager struct {
	namespace string
	transport transport.Transport
	config    *managerConfig
	log       *zap.Logger
}

// NewStateManager checks its arguments and makes a client. It does no I/O.
func NewStateManager(namespace string, opts ...ManagerOption) (*StateManager, error) {
	config, err := newManagerConfig(opts)
	if strings.TrimSpace(namespace) == "" {
		err = errors.Join(err, errors.New("the namespace is empty"))
	}
	if err != nil {
		return nil, fmt.Errorf("exo: new state manager: %w", err)
	}
	return &StateManager{
		namespace: namespace,
		transport: config.sm.Namespace(namespace),
		config:    config,
		log:       config.logger.With(zap.String("namespace", namespace)),
	}, nil
}

// Namespace is the namespace that the client works in.
func (m *StateManager) Namespace() string { return m.namespace }

type (
	// GraphInfo is a graph as the state manager has it.
	GraphInfo = transport.GraphInfo

	// NodeInfo is a registered node.
	NodeInfo = transport.NodeInfo

	// RunInfo is a run in numbers of states.
	RunInfo = transport.RunInfo

	// RunStatus is the state of a whole run.
	RunStatus = transport.RunStatus

	// Status is what has become of a state (protocol.md §5).
	Status = transport.Status

	// GraphSpec is a graph built without types: see [StateManager.UpsertSpec].
	GraphSpec = transport.GraphSpec
)

// The statuses of runs.
const (
	RunPending   = transport.RunPending
	RunSuccess   = transport.RunSuccess
	RunFailed    = transport.RunFailed
	RunCancelled = transport.RunCancelled
)

// GetGraph reads a graph and its validation status. An unknown graph is
// [transport.ErrNotFound].
func (m *StateManager) GetGraph(ctx context.Context, name string) (*GraphInfo, error) {
	g, err := m.transport.Graph(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("exo: get graph %q: %w", name, err)
	}
	return &g, nil
}

// Trigger starts a run of a graph.
func (m *StateManager) Trigger(ctx context.Context, graph string, opts TriggerOptions) (*Run, error) {
	if opts.StartDelay < 0 {
		return nil, fmt.Errorf("exo: trigger graph %q: StartDelay is negative: %v", graph, opts.StartDelay)
	}
	id, err := m.transport.Trigger(ctx, graph, transport.TriggerSpec(opts))
	if err != nil {
		return nil, fmt.Errorf("exo: trigger graph %q: %w", graph, err)
	}
	return &Run{ID: id, manager: m}, nil
}

// TriggerOptions are the optional parts of a trigger.
type TriggerOptions struct {
	Inputs     map[string]string // replace inputs of the root step; see [Fields]
	Store      map[string]string // the run's store; see [Fields]
	StartDelay time.Duration     // how long until the root step is due
}

// Run is a handle on the run with that ID.
func (m *StateManager) Run(id string) *Run { return &Run{ID: id, manager: m} }

// runsPage is how many runs one request asks for.
const runsPage = 100

// A RunFilter leaves runs out of [StateManager.Runs].
type RunFilter func(RunInfo) bool

// RunsOfGraph keeps the runs of a graph.
func RunsOfGraph(name string) RunFilter { return func(r RunInfo) bool { return r.Graph == name } }

// RunsWithStatus keeps the runs that have one of the statuses.
func RunsWithStatus(statuses ...RunStatus) RunFilter {
	return func(r RunInfo) bool { return slices.Contains(statuses, r.Status) }
}

// Runs iterates over the runs of the namespace that pass every filter, newest
// first, fetching pages as they are needed. It ends with the first error. Runs
// that start while the iteration goes on do not appear in it, and none is given
// twice.
func (m *StateManager) Runs(ctx context.Context, filters ...RunFilter) iter.Seq2[RunInfo, error] {
	return func(yield func(RunInfo, error) bool) {
		var given frontier
		for page := 1; ; page++ {
			p, err := m.transport.Runs(ctx, page, runsPage)
			if err != nil {
				yield(RunInfo{}, fmt.Errorf("exo: list runs: %w", err))
				return
			}
			for _, r := range p.Runs {
				if given.has(r) {
					continue // pushed onto this page by newer runs
				}
				if !slices.ContainsFunc(filters, func(keep RunFilter) bool { return !keep(r) }) && !yield(r, nil) {
					return
				}
			}
			if len(p.Runs) < runsPage {
				return
			}
			given.add(p.Runs)
		}
	}
}

// A frontier says which runs stood on the pages so far. Because pages are newest
// first, these are the runs that are newer than the oldest of them, and those of
// its age that it names.
type frontier struct {
	oldest time.Time
	ids    map[string]bool // of the runs that are as old
}

func (f *frontier) has(r RunInfo) bool {
	return f.ids != nil && (r.CreatedAt.After(f.oldest) || f.ids[r.ID])
}

func (f *frontier) add(page []RunInfo) {
	for _, r := range page {
		if f.ids == nil {
			f.oldest, f.ids = r.CreatedAt, make(map[string]bool)
		}
		if r.CreatedAt.Before(f.oldest) {
			f.oldest = r.CreatedAt
			clear(f.ids)
		}
		if r.CreatedAt.Equal(f.oldest) {
			f.ids[r.ID] = true
		}
	}
}

// RetryState runs a state again by hand, as a new state in its place; the joins
// that had run on it run anew. A state that is SUCCESS, PRUNED, CREATED, or QUEUED
// under a lease is refused (protocol.md §10).
//
// The fanoutID makes a repeated call harmless: the same one for a state of the
// same step and direct parent is [transport.ErrConflict]. So it has to be a new one
// for each retry that is meant, also for siblings of a fan-out, which share both,
// and for a state that took over from one retried before.
func (m *StateManager) RetryState(ctx context.Context, stateID, fanoutID string) (newStateID string, err error) {
	id, err := m.transport.Retry(ctx, stateID, fanoutID)
	if err != nil {
		return "", fmt.Errorf("exo: retry state %s: %w", stateID, err)
	}
	return id, nil
}

// Nodes lists the registered nodes of the namespace.
func (m *StateManager) Nodes(ctx context.Context) ([]NodeInfo, error) {
	nodes, err := m.transport.Nodes(ctx)
	if err != nil {
		return nil, fmt.Errorf("exo: list nodes: %w", err)
	}
	return nodes, nil
}

// Graphs lists the graphs of the namespace.
func (m *StateManager) Graphs(ctx context.Context) ([]GraphInfo, error) {
	graphs, err := m.transport.Graphs(ctx)
	if err != nil {
		return nil, fmt.Errorf("exo: list graphs: %w", err)
	}
	return graphs, nil
}

// Namespaces lists the namespaces of the state manager that hold anything.
func (m *StateManager) Namespaces(ctx context.Context) ([]string, error) {
	lister, ok := m.config.sm.(transport.NamespaceLister)
	if !ok {
		return nil, fmt.Errorf("exo: list namespaces: %w", transport.ErrUnsupported)
	}
	names, err := lister.Namespaces(ctx)
	if err != nil {
		return nil, fmt.Errorf("exo: list namespaces: %w", err)
	}
	return names, nil
}

// CancelTriggers removes the cron triggers of a graph, until it is written
// again, and says how many there were. A state manager that cannot do it
// answers [transport.ErrNotFound] or [transport.ErrUnsupported].
func (m *StateManager) CancelTriggers(ctx context.Context, graph string) (cancelled int, err error) {
	c, ok := m.transport.(transport.TriggerCanceler)
	if !ok {
		return 0, fmt.Errorf("exo: cancel triggers of graph %q: %w", graph, transport.ErrUnsupported)
	}
	cancelled, err = c.CancelTriggers(ctx, graph)
	if err != nil {
		return 0, fmt.Errorf("exo: cancel triggers of graph %q: %w", graph, err)
	}
	return cancelled, nil
}
