package exo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/retry"
)

// A GraphInvalidError says why a graph was rejected, by Validate or by the
// state manager.
type GraphInvalidError struct {
	Graph  string
	Errors []string // one per mistake

	// ServingVersion is the version of the graph that keeps serving triggers
	// and cron while this one is invalid. It is 0 if there is none, if the
	// state manager does not tell it, or if the graph was not written.
	ServingVersion int
}

// Error lists the mistakes, one per line if there are several, and names the
// version that keeps serving.
func (e *GraphInvalidError) Error() string {
	text := fmt.Sprintf("graph %q is invalid", e.Graph)
	if e.ServingVersion > 0 {
		text += fmt.Sprintf(" (version %d keeps serving)", e.ServingVersion)
	}
	if len(e.Errors) == 1 {
		return text + ": " + e.Errors[0]
	}
	return text + ":\n\t" + strings.Join(e.Errors, "\n\t")
}

// UpsertGraph validates g, writes it, and waits until the state manager has
// validated it against the registered nodes. If either finds it invalid, the
// error is a [*GraphInvalidError]. The wait ends when ctx ends or, with
// [ErrValidationTimeout], after [WithValidationTimeout].
//
// An existing graph is replaced; its pending runs continue unchanged. Only a
// valid graph replaces a valid one: until then the old version keeps serving,
// and the error says so. (A state manager without extensions replaces it in any
// case.)
//
// If the graph needs an extension of the protocol that the state manager lacks,
// nothing is sent, and the error is [transport.ErrUnsupported].
func (m *StateManager) UpsertGraph(ctx context.Context, g *Graph) (*GraphInfo, error) {
	if err := g.validate(m.namespace); err != nil {
		return nil, err
	}
	return m.UpsertSpec(ctx, g.name, g.Spec(m.namespace))
}

// UpsertSpec is [StateManager.UpsertGraph] for a graph that was built or read
// at run time, without types: see package exo/graphfile. Only the state manager
// validates it. Placements without a namespace get that of m.
func (m *StateManager) UpsertSpec(ctx context.Context, name string, spec GraphSpec) (*GraphInfo, error) {
	spec.Nodes = slices.Clone(spec.Nodes)
	for i := range spec.Nodes {
		spec.Nodes[i].Namespace = cmp.Or(spec.Nodes[i].Namespace, m.namespace)
	}
	if graph.CollectsBranches(name, spec) {
		if err := m.requires(ctx, transport.ExtensionCollect); err != nil {
			return nil, fmt.Errorf("exo: upsert graph %q: a join collects outputs of its branches: %w", name, err)
		}
	}
	g, err := m.transport.PutGraph(ctx, name, spec)
	if err != nil {
		return nil, refusedGraph(name, err)
	}
	waiting, cancel := context.WithTimeoutCause(ctx, m.config.validationTimeout, ErrValidationTimeout)
	defer cancel()
	delay := m.config.pollInterval / validationFraction
	for g.Status == transport.Pending || g.Status == transport.Ongoing {
		next, err := m.transport.Graph(waiting, name)
		switch {
		case err == nil:
			g = next
		case waiting.Err() == nil && !retry.Temporary(err):
			return nil, fmt.Errorf("exo: upsert graph %q: %w", name, err)
		}
		if g.Status != transport.Pending && g.Status != transport.Ongoing {
			break
		}
		if retry.Sleep(waiting, delay) != nil {
			return nil, fmt.Errorf("exo: upsert graph %q: wait for validation: %w", name, context.Cause(waiting))
		}
		delay = min(2*delay, m.config.pollInterval)
	}
	if g.Status != transport.Valid {
		return nil, &GraphInvalidError{Graph: name, Errors: graph.Distinct(g.Errors), ServingVersion: g.ServingVersion}
	}
	return &g, nil
}

// requires returns an error that is [transport.ErrUnsupported] if the state
// manager lacks an extension of the protocol.
func (m *StateManager) requires(ctx context.Context, extension transport.Extension) error {
	if extender, ok := m.transport.(transport.Extender); ok {
		has, err := extender.Extensions(ctx)
		if err != nil || slices.Contains(has, extension) {
			return err
		}
	}
	return fmt.Errorf("state manager lacks the extension %q (docs/differences.md): %w", extension, transport.ErrUnsupported)
}

// validationFraction is the fraction of the poll interval after which the first
// poll for a graph's validation is made: validation seldom takes long.
const validationFraction time.Duration = 64

// refusedGraph returns the error of a graph that the state manager refused: a
// GraphInvalidError for the reasons of protocol.md §6, and err otherwise.
func refusedGraph(name string, err error) error {
	var e *transport.Error
	if errors.As(err, &e) && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity) {
		return &GraphInvalidError{Graph: name, Errors: []string{e.Message}}
	}
	return fmt.Errorf("exo: upsert graph %q: %w", name, err)
}
