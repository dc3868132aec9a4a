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

// ErrValidationTimeout: the state manager had not validated a graph when
// [WithValidationTimeout] passed.
var ErrValidationTimeout = errors.New("exo: validation timeout")

// A GraphInvalidError says why a graph was rejected, here or by the state
// manager.
type GraphInvalidError struct {
	Graph  string
	Errors []string // one for each mistake

	// ServingVersion is the version of the graph that goes on serving triggers
	// and cron while this one is invalid. 0: there is none, the state manager does
	// not say, or the graph was not written.
	ServingVersion int
}

// Error lists the mistakes, a line each if there are several, and says which
// version goes on serving.
func (e *GraphInvalidError) Error() string {
	text := fmt.Sprintf("graph %q is invalid", e.Graph)
	if e.ServingVersion > 0 {
		text += fmt.Sprintf(" (version %d goes on serving)", e.ServingVersion)
	}
	if len(e.Errors) == 1 {
		return text + ": " + e.Errors[0]
	}
	return text + ":\n\t" + strings.Join(e.Errors, "\n\t")
}

// UpsertGraph validates g here, writes it, and waits until the state manager
// has validated it too, by then against the registered nodes. If either finds
// it invalid, the error is a [*GraphInvalidError]. The wait ends with ctx or,
// with [ErrValidationTimeout], after [WithValidationTimeout].
//
// A graph that exists is replaced; its runs under way go on as they began. Only
// a valid graph takes the place of a valid one: until then that goes on serving,
// and the error says so. (A state manager without extensions replaces it all the
// same.)
//
// A graph that needs an extension of the protocol which the state manager has
// not is refused before anything is sent, with [transport.ErrUnsupported].
func (m *StateManager) UpsertGraph(ctx context.Context, g *Graph) (*GraphInfo, error) {
	if err := g.validate(m.namespace); err != nil {
		return nil, err
	}
	return m.UpsertSpec(ctx, g.name, g.Spec(m.namespace))
}

// UpsertSpec is [StateManager.UpsertGraph] of a graph that was built or read
// at run time, without types: see [ParseGraph]. Only the state manager validates
// it. Placements without a namespace get that of m.
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
			return nil, fmt.Errorf("exo: upsert graph %q: wait for its validation: %w", name, context.Cause(waiting))
		}
		delay = min(2*delay, m.config.pollInterval)
	}
	if g.Status != transport.Valid {
		return nil, &GraphInvalidError{Graph: name, Errors: graph.Distinct(g.Errors), ServingVersion: g.ServingVersion}
	}
	return &g, nil
}

// requires asks whether the state manager has an extension of the protocol: if
// it has not, the error is [transport.ErrUnsupported].
func (m *StateManager) requires(ctx context.Context, extension transport.Extension) error {
	if extender, ok := m.transport.(transport.Extender); ok {
		has, err := extender.Extensions(ctx)
		if err != nil || slices.Contains(has, extension) {
			return err
		}
	}
	return fmt.Errorf("the state manager lacks the extension %q (docs/differences.md): %w", extension, transport.ErrUnsupported)
}

// validationFraction is the part of the poll interval after which a graph's
// validation is first asked for again: it seldom takes long.
const validationFraction time.Duration = 64

// refusedGraph is the error of a graph that the state manager did not take: an
// invalid graph for what §6 of protocol.md refuses, else err.
func refusedGraph(name string, err error) error {
	var e *transport.Error
	if errors.As(err, &e) && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity) {
		return &GraphInvalidError{Graph: name, Errors: []string{e.Message}}
	}
	return fmt.Errorf("exo: upsert graph %q: %w", name, err)
}
