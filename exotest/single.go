package exotest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// A single is one state under claim, of a graph of one step, and the state
// manager that it is of: what [Run] executes. The node's schemas and the report
// go through the engine.
type single struct {
	transport.Unimplemented
	engine   *statemanager.Engine
	id       string            // of the state
	shown    transport.Claimed // as the node sees it
	secrets  transport.Secrets // as they were given: Run tests those that are missing, too
	reported transport.Outcome // as the engine took it
}

var (
	_ transport.Provider     = (*single)(nil)
	_ transport.StoreBackend = (*single)(nil)
)

const (
	defaultNamespace = "test"
	defaultGraph     = "test"
	defaultStep      = "step"
	runtimeName      = "exotest"
)

func newSingle(spec transport.NodeSpec, fields []node.Field, inputs, secrets map[string]string, c *runConfig) (*single, error) {
	s := &single{engine: statemanager.New(statemanager.Options{Rand: newRand(defaultSeed)}), secrets: secrets}
	if err := s.engine.Register(defaultStart, defaultNamespace, runtimeName, []transport.NodeSpec{spec}); err != nil {
		return nil, err
	}
	graph := transport.GraphSpec{
		Nodes: []transport.Placement{{
			Node: spec.Name, Namespace: defaultNamespace, Identifier: defaultStep, Inputs: make(map[string]string, len(fields)),
		}},
		Secrets: make(transport.Secrets, len(spec.Secrets)),
	}
	for _, f := range fields {
		graph.Nodes[0].Inputs[f.Name] = ""
	}
	for _, name := range spec.Secrets {
		graph.Secrets[name] = "-" // Secrets gives those that the test has
	}
	status, err := s.engine.PutGraph(defaultStart, defaultNamespace, defaultGraph, graph)
	if err != nil {
		return nil, err
	}
	if status.Status != transport.Valid {
		return nil, fmt.Errorf("a graph of this node is %s: %s", status.Status, strings.Join(status.Errors, "; "))
	}
	_, err = s.engine.Trigger(defaultStart, defaultNamespace, defaultGraph, transport.TriggerSpec{Inputs: inputs, Store: c.store})
	if err != nil {
		return nil, err
	}
	states := s.engine.Claim(defaultStart, defaultNamespace, transport.ClaimRequest{Nodes: []string{spec.Name}, Max: 1})
	s.id = states[0].ID
	s.shown = states[0]
	// The engine fills in what is missing. Here it is to be missing.
	if s.shown.Inputs, err = json.Marshal(nonNil(inputs)); err != nil {
		return nil, err
	}
	s.show(&c.info)
	return s, nil
}

// show gives the state what the test says of it.
func (s *single) show(i *node.Info) {
	s.shown.ID = cmp.Or(i.StateID, s.shown.ID)
	s.shown.Identifier = cmp.Or(i.Identifier, s.shown.Identifier)
	s.shown.Graph = cmp.Or(i.Graph, s.shown.Graph)
	s.shown.RunID = cmp.Or(i.RunID, s.shown.RunID)
	s.shown.Attempt = cmp.Or(i.Attempt, s.shown.Attempt)
	s.shown.CreatedAt = cmp.Or(i.CreatedAt, s.shown.CreatedAt)
}

func nonNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// newRand is the source of ids and jitter.
func newRand(seed uint64) rand.Source { return rand.NewPCG(seed, 0) }

func (s *single) store() (map[string]string, error) { return s.engine.StoreAll(defaultNamespace, s.id) }

// Namespace is the state manager that s is: it has one state in whatever
// namespace the test says.
func (s *single) Namespace(string) transport.Transport { return s }

func (s *single) Report(_ context.Context, reports []transport.Report) []error {
	r := reports[0]
	r.StateID = s.id
	if _, err := s.engine.Report(defaultStart, defaultNamespace, r); err != nil {
		return []error{err}
	}
	s.reported = r.Outcome
	return nil
}

func (s *single) Secrets(context.Context, string) (transport.Secrets, error) { return s.secrets, nil }

func (s *single) StoreAll(context.Context, string) (map[string]string, error) { return s.store() }

func (s *single) StoreGet(_ context.Context, _, key string) (string, bool, error) {
	return s.engine.StoreGet(defaultNamespace, s.id, key)
}

func (s *single) StoreSet(_ context.Context, _, key, value string) error {
	return s.engine.StoreSet(defaultStart, defaultNamespace, s.id, key, value)
}

func (s *single) StoreSwap(_ context.Context, _, key string, old *string, value string) (bool, error) {
	return s.engine.StoreSwap(defaultStart, defaultNamespace, s.id, key, old, value)
}

func (s *single) StoreDelete(_ context.Context, _, key string) error {
	return s.engine.StoreDelete(defaultStart, defaultNamespace, s.id, key)
}
