package transport

import (
	"context"
	"errors"
	"net/http"
)

type storeAnswer struct {
	Store map[string]string `json:"store"`
}

func (a *storeAnswer) missing() string { return without(a.Store == nil, "store") }

type valueAnswer struct {
	Value *string `json:"value"`
}

func (a *valueAnswer) missing() string { return without(a.Value == nil, "value") }

// StoreAll implements [StoreBackend] (protocol.md §13).
func (n *namespace) StoreAll(ctx context.Context, stateID string) (map[string]string, error) {
	answer, err := use[storeAnswer](ctx, n.conn, ExtensionStore, n.call("store", http.MethodGet, "/state/", stateID, "/store"))
	return answer.Store, err
}

// StoreGet implements [StoreBackend] (protocol.md §13).
func (n *namespace) StoreGet(ctx context.Context, stateID, key string) (value string, ok bool, err error) {
	answer, err := use[valueAnswer](ctx, n.conn, ExtensionStore, n.storeKey("store get", http.MethodGet, stateID, key))
	switch {
	case noKey(err):
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	return *answer.Value, true, nil
}

// StoreSet implements [StoreBackend] (protocol.md §13).
func (n *namespace) StoreSet(ctx context.Context, stateID, key, value string) error {
	k := n.storeKey("store set", http.MethodPut, stateID, key).withBody(struct {
		Value string `json:"value"`
	}{value})
	_, err := use[struct{}](ctx, n.conn, ExtensionStore, k)
	return err
}

// StoreSwap implements [StoreBackend] (protocol.md §13).
func (n *namespace) StoreSwap(ctx context.Context, stateID, key string, old *string, value string) (swapped bool, err error) {
	k := n.storeKey("store swap", http.MethodPut, stateID, key).withBody(struct {
		Value string  `json:"value"`
		If    *string `json:"if"` // null means no value
	}{value, old})
	_, err = use[struct{}](ctx, n.conn, ExtensionStore, k)
	if errors.Is(err, ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// StoreDelete implements [StoreBackend] (protocol.md §13). Deleting a missing
// key is not an error.
func (n *namespace) StoreDelete(ctx context.Context, stateID, key string) error {
	_, err := use[struct{}](ctx, n.conn, ExtensionStore, n.storeKey("store delete", http.MethodDelete, stateID, key))
	if noKey(err) {
		return nil
	}
	return err
}

func (n *namespace) storeKey(op, method, stateID, key string) call {
	return n.call(op, method, "/state/", stateID, "/store/", key)
}

// noKey reports whether the state exists but has no such key. "Not Found" is
// the response to unknown paths, which a key with a slash may form (protocol.md
// §2).
func noKey(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.Message != "State not found" && e.Message != "Not Found"
}
