package statemanager_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestStore(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{
		Nodes: []transport.Placement{step("a", "b"), step("b")},
		Store: transport.StoreConfig{RequiredKeys: []string{"k"}, DefaultValues: map[string]string{"d": "default", "e": "default"}},
	})
	b.trigger("g", transport.TriggerSpec{Store: map[string]string{"k": "v", "e": "given", "": "odd"}})
	s := b.do("a", outputs("x"))
	other := b.trigger("g", transport.TriggerSpec{Store: map[string]string{"k": "other"}})
	all := func(want map[string]string) {
		t.Helper()
		got, err := b.StoreAll("ns", s.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("store (-want +got):\n%s", diff)
		}
		got["k"] = "changed" // is the caller's
	}
	get := func(key, want string, wantOK bool) {
		t.Helper()
		if v, ok, err := b.StoreGet("ns", s.ID, key); v != want || ok != wantOK || err != nil {
			t.Errorf("%s is %q, %t, %v, want %q, %t", key, v, ok, err, want, wantOK)
		}
	}
	swap := func(key string, old *string, value string, want bool) {
		t.Helper()
		if swapped, err := b.StoreSwap(b.now, "ns", s.ID, key, old, value); swapped != want || err != nil {
			t.Errorf("swap of %s: %t, %v, want %t", key, swapped, err, want)
		}
	}
	all(map[string]string{"k": "v", "d": "default", "e": "given", "": "odd"})
	get("k", "v", true)
	get("none", "", false)
	if err := b.StoreSet(b.now, "ns", s.ID, "a.b/c", "x"); err != nil { // free, but for placeholders
		t.Error(err)
	}
	get("a.b/c", "x", true)
	v, wrong, empty := "v", "wrong", ""
	swap("k", &wrong, "w", false)
	swap("k", nil, "w", false)
	swap("k", &v, "w", true)
	get("k", "w", true)
	swap("new", &empty, "w", false)
	swap("new", nil, "", true)
	swap("new", &empty, "w", true)
	for range 2 {
		if err := b.StoreDelete(b.now, "ns", s.ID, "new"); err != nil {
			t.Error(err)
		}
	}
	get("new", "", false)

	// Another run has a store of its own.
	if v, _, err := b.StoreGet("ns", b.last(other, "a").ID, "k"); v != "other" || err != nil {
		t.Errorf("the other run has %q, %v", v, err)
	}
}

func TestStoreRefuses(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	run := b.run()
	id := b.last(run, "a").ID
	long := strings.Repeat("k", graph.MaxNameBytes+1)
	for _, c := range []struct {
		key, value string
		want       plain
	}{
		{"", "v", plain{"key", "Key cannot be empty or contain only whitespace"}},
		{long, "v", plain{"key", "must be at most 512 bytes long"}},
		{
			"k", strings.Repeat("v", graph.MaxStoreValueBytes+1),
			plain{"value", "must be at most 1048576 bytes long"},
		},
	} {
		if diff := cmp.Diff([]plain{c.want}, fieldErrors(t, b.StoreSet(b.now, "ns", id, c.key, c.value))); diff != "" {
			t.Errorf("field errors (-want +got):\n%s", diff)
		}
	}
	for i := range graph.MaxStoreKeys {
		if err := b.StoreSet(b.now, "ns", id, fmt.Sprint(i), ""); err != nil {
			t.Fatal(err)
		}
	}
	want := []plain{{"store", "must have at most 10000 items, not 10001"}}
	if diff := cmp.Diff(want, fieldErrors(t, b.StoreSet(b.now, "ns", id, "more", ""))); diff != "" {
		t.Errorf("field errors (-want +got):\n%s", diff)
	}
	if err := b.StoreSet(b.now, "ns", id, "7", "seven"); err != nil {
		t.Errorf("a key that is there: %v", err)
	}
}

func TestStoreOfUnknownState(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.register("far", node("F"))
	b.steps(step("a", "f"), transport.Placement{Node: "F", Namespace: "far", Identifier: "f"})
	run := b.run()
	b.do("a", outputs("x"))
	far := b.last(run, "f").ID
	for _, ns := range []string{"ns", "far"} { // the graph's namespace, and the node's
		if err := b.StoreSet(b.now, ns, far, "k", "v"); err != nil {
			t.Errorf("from %s: %v", ns, err)
		}
	}
	for ns, id := range map[string]string{"other": far, "ns": "000000000000000000000000", "far": b.last(run, "a").ID} {
		_, err := b.StoreAll(ns, id)
		wantError(t, err, http.StatusNotFound, "State not found")
		_, _, err = b.StoreGet(ns, id, "k")
		wantError(t, err, http.StatusNotFound, "State not found")
		wantError(t, b.StoreSet(b.now, ns, id, "k", "v"), http.StatusNotFound, "State not found")
		wantError(t, b.StoreDelete(b.now, ns, id, "k"), http.StatusNotFound, "State not found")
		_, err = b.StoreSwap(b.now, ns, id, "k", nil, "v")
		wantError(t, err, http.StatusNotFound, "State not found")
	}
}
