package node_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

func branchOf[T any](t *testing.T, value string) (node.Branch[T], error) {
	t.Helper()
	var list []node.Branch[T]
	err := json.Unmarshal([]byte(`[{"index":0,"step":"work","status":"SUCCESS","value":`+value+`}]`), &list)
	if err != nil {
		return node.Branch[T]{}, err
	}
	return list[0], nil
}

func wantBranch[T any](t *testing.T, value string, want T) {
	t.Helper()
	b, err := branchOf[T](t, value)
	if diff := cmp.Diff(node.Branch[T]{Step: "work", Status: transport.StatusSuccess, V: want}, b); diff != "" || err != nil || !b.Succeeded() {
		t.Errorf("%s: %v (-want +got):\n%s", value, err, diff)
	}
}

// The value of a branch is JSON where the node's schema says so, and otherwise
// a string with the text of a Val.
func TestBranchValues(t *testing.T) {
	t.Parallel()
	wantBranch(t, `3`, 3)
	wantBranch(t, `"3"`, 3)
	wantBranch(t, `"a \"b\""`, `a "b"`)
	wantBranch(t, `"true"`, true)
	wantBranch(t, `"1m30s"`, 90*time.Second)
	wantBranch(t, `"2026-03-01T00:00:00Z"`, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	wantBranch(t, `["a","b"]`, []string{"a", "b"})
	wantBranch(t, `"[\"a\"]"`, []string{"a"})
	for _, wrong := range []string{`"x"`, `{}`, `"1.5"`} {
		if _, err := branchOf[int](t, wrong); err == nil || !strings.Contains(err.Error(), "branch 0: ") {
			t.Errorf("%s as an int: %v", wrong, err)
		}
	}
}

func TestBranchWithoutValue(t *testing.T) {
	t.Parallel()
	var b node.Branch[int]
	if err := json.Unmarshal([]byte(`{"index":2,"step":"work","status":"ERRORED","error":"broken"}`), &b); err != nil {
		t.Fatal(err)
	}
	if want := (node.Branch[int]{Index: 2, Step: "work", Status: transport.StatusErrored, Error: "broken"}); b != want || b.Succeeded() {
		t.Errorf("%+v, want %+v", b, want)
	}
	if err := json.Unmarshal([]byte(`7`), &b); err == nil {
		t.Error("a number is taken for a branch")
	}
}
