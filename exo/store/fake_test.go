package store_test

import (
	"context"
	"maps"
	"sync"
	"testing"

	"github.com/exospherehost/exo-go/exo/store"
	"github.com/exospherehost/exo-go/exo/transport"
)

// memory is the store of one run, kept in memory.
type memory struct {
	mu     sync.Mutex
	values map[string]string
	states map[string]int // calls by state ID
	err    error          // what every call answers
	before func(op string)
}

var _ transport.StoreBackend = (*memory)(nil)

func newMemory(values map[string]string) *memory {
	return &memory{values: maps.Clone(values), states: map[string]int{}}
}

// begin counts the call and locks m; the caller unlocks it.
func (m *memory) begin(op, stateID string) error {
	if m.before != nil {
		m.before(op)
	}
	m.mu.Lock()
	m.states[stateID]++
	if m.values == nil {
		m.values = map[string]string{}
	}
	return m.err
}

func (m *memory) StoreAll(_ context.Context, stateID string) (map[string]string, error) {
	err := m.begin("all", stateID)
	defer m.mu.Unlock()
	return maps.Clone(m.values), err
}

func (m *memory) StoreGet(_ context.Context, stateID, key string) (string, bool, error) {
	err := m.begin("get", stateID)
	defer m.mu.Unlock()
	v, ok := m.values[key]
	return v, ok, err
}

func (m *memory) StoreSet(_ context.Context, stateID, key, value string) error {
	err := m.begin("set", stateID)
	defer m.mu.Unlock()
	if err == nil {
		m.values[key] = value
	}
	return err
}

func (m *memory) StoreSwap(_ context.Context, stateID, key string, old *string, value string) (bool, error) {
	err := m.begin("swap", stateID)
	defer m.mu.Unlock()
	now, ok := m.values[key]
	if err != nil || ok != (old != nil) || ok && now != *old {
		return false, err
	}
	m.values[key] = value
	return true, nil
}

func (m *memory) StoreDelete(_ context.Context, stateID, key string) error {
	err := m.begin("delete", stateID)
	defer m.mu.Unlock()
	delete(m.values, key)
	return err
}

// node is the context of a node whose run has these values in its store.
func node(tb testing.TB, values map[string]string) (context.Context, *memory) {
	tb.Helper()
	m := newMemory(values)
	return store.NewContext(tb.Context(), m, "state-1"), m
}
