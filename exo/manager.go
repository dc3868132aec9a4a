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

// A StateManager is a client of a state manager in one namespace. It writes
// graphs, triggers them, and reads their runs. It is safe for concurrent use.
// Error responses of the state manager are [*transport.Error].
type StateManager struct {
	namespace string
	transport transport.Transport
	config    *managerConfig
	log       *zap.Logger
}

// NewStateManager checks its arguments and returns a client. It does no I/O.
func NewStateManager(namespace string, opts ...ManagerOption) (*StateManager, error) {
	config, err := newManagerConfig(opts)
	if strings.TrimSpace(namespace) == "" {
		err = errors.Join(err, errors.New("namespace is empty"))
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

// Namespace returns the namespace of the client.
func (m *StateManager) Namespace() string { return m.namespace }

type (
	// GraphInfo is a graph as stored by the state manager.
	GraphInfo = transport.GraphInfo

	// RunInfo is a run with the number of its states by status.
	RunInfo = transport.RunInfo

	// RunStatus is the status of a run.
	RunStatus = transport.RunStatus

	// Status is the status of a state (protocol.md §5).
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

// GetGraph returns a graph with its validation status. For an unknown graph the
// error is [transport.ErrNotFound].
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

// TriggerOptions holds the optional parameters of a trigger.
type TriggerOptions struct {
	Inputs     map[string]string // replace inputs of the root step; see [Fields]
	Store      map[string]string // initial values of the run's store; see [Fields]
	StartDelay time.Duration     // delay until the root step is due
}

// Run returns a handle on the run with that ID. It does no I/O.
func (m *StateManager) Run(id string) *Run { return &Run{ID: id, manager: m} }

// runsPage is the number of runs per request.
const runsPage = 100

// A RunFilter selects runs of [StateManager.Runs].
type RunFilter func(RunInfo) bool

// RunsOfGraph selects the runs of a graph.
func RunsOfGraph(name string) RunFilter { return func(r RunInfo) bool { return r.Graph == name } }

// RunsWithStatus selects the runs that have one of the statuses.
func RunsWithStatus(statuses ...RunStatus) RunFilter {
	return func(r RunInfo) bool { return slices.Contains(statuses, r.Status) }
}

// Runs iterates over the runs of the namespace that pass every filter, newest
// first, fetching pages as needed. It ends with the first error. Runs that
// start during the iteration are left out, and no run appears twice.
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
					continue // moved onto this page by newer runs
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

// A frontier identifies the runs on the pages so far. Since pages are newest
// first, these are the runs newer than the oldest of them, and those of the
// same age that it lists.
type frontier struct {
	oldest time.Time
	ids    map[string]bool // IDs of the runs of the same age
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

// RetryState retries a state manually: a new state takes its place. Joins
// that waited for it run again if they have run already. States that are SUCCESS, PRUNED,
// CREATED, or QUEUED under a lease are refused (protocol.md §10).
//
// The fanoutID makes a repeated call harmless: using it again for a state of
// the same step and direct parent is [transport.ErrConflict]. So use a new one
// for each intended retry. That includes siblings of a fan-out, which share
// step and parent, and a state that replaced one retried before.
func (m *StateManager) RetryState(ctx context.Context, stateID, fanoutID string) (newStateID string, err error) {
	id, err := m.transport.Retry(ctx, stateID, fanoutID)
	if err != nil {
		return "", fmt.Errorf("exo: retry state %s: %w", stateID, err)
	}
	return id, nil
}

// Nodes lists the registered nodes of the namespace.
func (m *StateManager) Nodes(ctx context.Context) ([]transport.NodeInfo, error) {
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

// Namespaces lists the namespaces of the state manager that hold nodes, graphs
// or runs.
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

// CancelTriggers removes the cron triggers of a graph until it is written
// again, and returns their number. If the state manager cannot do it, the error
// is [transport.ErrNotFound] or [transport.ErrUnsupported].
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
