package exo

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

// An execution is a claimed state on its way through the runtime, until its
// outcome has been reported.
type execution struct {
	runtime *Runtime
	node    *servedNode // nil: not served here
	lease   time.Duration

	ctx    context.Context //nolint:containedctx // the node's, made when the state is claimed
	cancel context.CancelCauseFunc
	work   *work                        // nil once the node has returned: it is the worker's alone
	own    work                         // for nodes that do not see it; its Info is there to stay
	traced atomic.Pointer[traceContext] // nil before the hooks for the start

	// settled is set by whoever decides the outcome: the worker when the node
	// returns, the drain when it gives up on it, or a heartbeat that found the
	// lease lost. Only the first has a say.
	settled atomic.Bool

	outcome  Outcome
	report   transport.Report
	redact   *redactor // nil if the report shows no secret
	size     int       // of the report, in bytes
	finished time.Time

	// For the reporter alone.
	maybeTaken bool    // an attempt got no response that tells: it may have been taken all the same
	alone      bool    // the report is to go in a call of its own
	superseded bool    // the state was claimed anew; under the reporter's lock
	failure    error   // of the last attempt
	resend     *resend // nil before the first failure
}

// work is what a node is given. It is let go when the node has returned: inputs
// and secrets are not kept while the report waits to be taken.
//
// Middleware may hold on to its request, and a node with secrets to a context
// that redacts them. Where there is neither, nobody sees the request but the
// node's codec, and the work is a part of the execution: one allocation less for
// each state.
type work struct {
	request node.Request
	redact  *redactor
	context nodeContext
}

func newExecution(r *Runtime, n *servedNode, s transport.Claimed) *execution {
	e := &execution{
		runtime: r,
		node:    n,
		lease:   s.Lease,
		report:  transport.Report{StateID: s.ID, Token: s.Token},
	}
	e.own.request.Info = node.Info{
		StateID: s.ID, Node: s.Node, Identifier: s.Identifier,
		Namespace: r.namespace, Runtime: r.name,
		Graph: s.Graph, RunID: s.RunID, Attempt: s.Attempt, CreatedAt: s.CreatedAt,
	}
	return e
}

func (e *execution) info() *node.Info { return &e.own.request.Info }

// failureFields are the fields of a line about a report that failed.
func (e *execution) failureFields(err error) []zap.Field {
	return append(infoFields(e.info()), zap.Stringer("outcome", e.outcome.Kind), zap.Error(e.redact.error(err)))
}

// begin gives the execution its work, and its context, so that from now on a lost lease or
// the end of the drain can cancel it. That of a runtime descends from one that
// never ends: contexts below one that could would all wait for its lock.
func (e *execution) begin(parent context.Context, inputs transport.Object) {
	if e.work = &e.own; !e.node.plain || e.node.secrets {
		e.work = &work{request: node.Request{Info: *e.info()}}
	}
	e.work.request.Inputs = inputs
	e.ctx, e.cancel = context.WithCancelCause(parent)
}

// letGo ends the work. Nobody reads the inputs in the execution any more.
func (e *execution) letGo() {
	e.work = nil
	e.own.request.Inputs = nil
}

// putBack returns the state to the state manager unexecuted, or cut short.
func (e *execution) putBack(after time.Duration) {
	e.settle(Outcome{Kind: Returned, After: after}, transport.Requeued{After: after}, 0, nil)
}

// settle decides the outcome and hands it to the reporter, with what redacts the
// responses to it, if they could show a secret. It reports false, and does
// nothing, if the outcome was decided before.
func (e *execution) settle(o Outcome, wire transport.Outcome, size int, redact *redactor) bool {
	if !e.settled.CompareAndSwap(false, true) {
		return false
	}
	e.outcome = o
	e.report.Outcome = wire
	e.redact = redact
	e.size = size
	e.finished = time.Now()
	e.runtime.counters.settled(o.Kind)
	e.runtime.reporter.add(e)
	return true
}

// lose ends an execution whose state is the runtime's no more: its node's
// context is cancelled, and nothing is reported. It reports false if the
// outcome was decided before.
func (e *execution) lose() bool {
	if !e.settled.CompareAndSwap(false, true) {
		return false
	}
	e.outcome = Outcome{Kind: Lost}
	e.runtime.counters.settled(Lost)
	e.runtime.held.remove(e)
	if e.cancel != nil {
		e.cancel(ErrLeaseLost)
	}
	return true
}

func (e *execution) leased() bool { return e.lease > 0 && e.report.Token != "" }

// held are the executions whose states are the runtime's: claimed, and their
// outcomes not yet taken by the state manager. A state that is claimed again
// while its last outcome, which put it back, waits for an answer, or while its
// node still runs, counts once: the later claim proves that the earlier is over.
type held struct {
	mu     sync.Mutex
	states map[string]*execution // by the state's ID
	leased chan struct{}         // has a token when a shorter lease came in
	lease  time.Duration         // the shortest of those seen
}

func newHeld() *held {
	return &held{states: make(map[string]*execution), leased: make(chan struct{}, 1)}
}

// add gives the execution of the same state that was there before, if any.
func (h *held) add(e *execution) (earlier *execution) {
	h.mu.Lock()
	defer h.mu.Unlock()
	earlier = h.states[e.report.StateID]
	h.states[e.report.StateID] = e
	if e.leased() && (h.lease == 0 || e.lease < h.lease) {
		h.lease = e.lease
		notify(h.leased)
	}
	return earlier
}

func (h *held) remove(e *execution) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if id := e.report.StateID; h.states[id] == e {
		delete(h.states, id)
	}
}

// shortestLease is the length of the shortest lease seen, 0 if there was none.
func (h *held) shortestLease() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lease
}

// each is a copy of the set.
func (h *held) each() []*execution {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.states))
}
