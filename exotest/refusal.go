package exotest

import (
	"net/http"
	"slices"
	"sync"

	"github.com/exospherehost/exo-go/exo/transport"
)

// refusals are the errors that coming calls are to return.
type refusals struct {
	mu    sync.Mutex
	queue map[string][]error // by operation
}

// operations are the calls of a transport, by the names that their errors carry
// as [transport.Error.Op].
var operations = []string{
	"register", "claim", "report", "secrets", "heartbeat",
	"store", "store get", "store set", "store swap", "store delete",
	"upsert graph", "graph", "graphs", "nodes", "trigger", "cancel triggers",
	"runs", "run", "run graph", "state detail", "manual retry", "cancel run",
	"extensions", "namespaces",
}

// FailNext makes the next n calls of an operation return err, to test retries;
// nil is a 503. Operations are called as in [transport.Error.Op]: "claim",
// "report", "trigger", "store get" and so on. The driver's own calls are spared,
// but not those of the nodes that it executes. See [WithFaults] for calls that get
// no response.
func (m *StateManager) FailNext(op string, n int, err error) {
	m.t.Helper()
	if !slices.Contains(operations, op) {
		m.t.Fatalf("exotest: FailNext: there is no operation %q; those that there are: %q", op, operations)
	}
	if err == nil {
		err = &transport.Error{Op: op, Status: http.StatusServiceUnavailable, Message: "made to fail by exotest"}
	}
	m.refusals.mu.Lock()
	defer m.refusals.mu.Unlock()
	if m.refusals.queue == nil {
		m.refusals.queue = make(map[string][]error)
	}
	m.refusals.queue[op] = append(m.refusals.queue[op], slices.Repeat([]error{err}, n)...)
}

// next is the error that a call is to return, nil if it is to be made.
func (r *refusals) next(op string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	queue := r.queue[op]
	if len(queue) == 0 {
		return nil
	}
	r.queue[op] = queue[1:]
	return queue[0]
}
