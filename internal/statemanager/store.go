package statemanager

import (
	"maps"
	"time"

	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/graph"
)

// The store of a run begins with the graph's defaults and the values given by
// the trigger, and ends with the run. It is reached through a state, from the
// namespace of the state's node, where its workers are, or that of its graph.
// Placeholders that are filled in later see what was written.

// storeOf returns the store of the run of a state.
func (e *Engine) storeOf(op, ns, stateID string) (map[string]string, error) {
	st, ok := e.state(stateID)
	if !ok || st.place.namespace != ns && st.run.namespace.name != ns {
		return nil, notFound(op, "State not found")
	}
	return st.run.store, nil
}

// StoreAll returns all keys and values.
func (e *Engine) StoreAll(ns, stateID string) (map[string]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	store, err := e.storeOf("store", ns, stateID)
	if err != nil {
		return nil, err
	}
	return maps.Clone(store), nil
}

// StoreGet returns the value of a key. It reports false if the key has none.
func (e *Engine) StoreGet(ns, stateID, key string) (string, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	store, err := e.storeOf("store get", ns, stateID)
	if err != nil {
		return "", false, err
	}
	v, ok := store[key]
	return v, ok, nil
}

// StoreSet writes a key.
func (e *Engine) StoreSet(now time.Time, ns, stateID, key, value string) error {
	_, err := e.write("store set", now, ns, stateID, key, &value, func(string, bool) bool { return true })
	return err
}

// StoreSwap writes a key if its current value is old; nil means no value. It
// reports whether it wrote.
func (e *Engine) StoreSwap(now time.Time, ns, stateID, key string, old *string, value string) (bool, error) {
	return e.write("store swap", now, ns, stateID, key, &value, func(v string, ok bool) bool {
		return ok == (old != nil) && (old == nil || v == *old)
	})
}

// StoreDelete removes a key. Removing a key without a value is not an error.
func (e *Engine) StoreDelete(now time.Time, ns, stateID, key string) error {
	_, err := e.write("store delete", now, ns, stateID, key, nil, func(string, bool) bool { return true })
	return err
}

// write sets a key, or removes it if value is nil, provided that may permits
// it.
func (e *Engine) write(op string, now time.Time, ns, stateID, key string, value *string, may func(string, bool) bool) (bool, error) {
	e.enter(now)
	defer e.mu.Unlock()
	store, err := e.storeOf(op, ns, stateID)
	if err != nil {
		return false, err
	}
	old, known := store[key]
	if !may(old, known) {
		return false, nil
	}
	if value == nil {
		delete(store, key)
		return true, nil
	}
	if err := refused(op, checkStoreWrite(key, *value, known, len(store))...); err != nil {
		return false, err
	}
	store[key] = *value
	return true, nil
}

// checkStoreWrite checks the limits of a store. Any key is allowed except an
// empty one; the rule against dots is only for keys in placeholders.
func checkStoreWrite(key, value string, known bool, size int) graph.Problems {
	var wrong graph.Problems
	switch {
	case key == "":
		wrong.Add(graph.Rule{Text: "Key cannot be empty or contain only whitespace"}, key, "key")
	case len(key) > graph.MaxNameBytes:
		wrong.Add(graph.TooLong{Most: graph.MaxNameBytes}, clip.Text(key), "key")
	case !known && size >= graph.MaxStoreKeys:
		wrong.Add(graph.TooMany{Most: graph.MaxStoreKeys, Got: size + 1}, nil, "store")
	}
	if len(value) > graph.MaxStoreValueBytes {
		wrong.Add(graph.TooLong{Most: graph.MaxStoreValueBytes}, clip.Text(value), "value")
	}
	return wrong
}
