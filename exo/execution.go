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

// An execution is a claimed state in the runtime, until its outcome is
// reported.
type execution struct {
	runtime *Runtime
	node    *servedNode // nil if the runtime does not serve it
	lease   time.Duration

	ctx    context.Context //nolint:containedctx // the node's, made when the state is claimed
	cancel context.CancelCauseFunc
	work   *work                        // nil once the node has returned; used by the worker alone
	own    work                         // for nodes that do not see it; its Info is there to stay
	traced atomic.Pointer[traceContext] // nil before the hooks for the start

	// settled is set by whoever decides the outcome: the worker when the node
	// returns, the drain when it gives up on the node, or a heartbeat that
	// found the lease lost. The first one wins.
	settled atomic.Bool

	outcome  Outcome
	report   transport.Report
	redact   *redactor // nil if the report shows no secret
	size     int       // size of the report, in bytes
	finished time.Time

	// Used by the reporter alone.
	maybeTaken bool    // an attempt had no conclusive response, so it may have been accepted
	alone      bool    // the report must be the only one in its call
	superseded bool    // the state was claimed again; guarded by the reporter's lock
	failure    error   // of the last attempt
	resend     *resend // nil before the first failure
}

// work is what a node is given. It is released when the node returns: inputs
// and secrets are not kept while the report waits.
//
// Middleware may hold on to its request, and a node with secrets to a context
// that redacts them. Where there is neither, no one sees the request but the
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

// failureFields returns the fields of a log line about a failed report.
func (e *execution) failureFields(err error) []zap.Field {
	return append(infoFields(e.info()), zap.Stringer("outcome", e.outcome.Kind), zap.Error(e.redact.error(err)))
}

// begin gives the execution its work and its context, so that a lost lease or
// the end of the drain can cancel it from now on. A runtime's executions
// descend from a context that never ends: contexts below one that can end would
// contend for its lock.
func (e *execution) begin(parent context.Context, inputs transport.Object) {
	if e.work = &e.own; !e.node.plain || e.node.secrets {
		e.work = &work{request: node.Request{Info: *e.info()}}
	}
	e.work.request.Inputs = inputs
	e.ctx, e.cancel = context.WithCancelCause(parent)
}

// letGo ends the work. Nothing reads the inputs in the execution any more.
func (e *execution) letGo() {
	e.work = nil
	e.own.request.Inputs = nil
}

// putBack requeues the state, unexecuted or cut short.
func (e *execution) putBack(after time.Duration) {
	e.settle(Outcome{Kind: Returned, After: after}, transport.Requeued{After: after}, 0, nil)
}

// settle decides the outcome and hands it to the reporter, with the redactor
// for responses that could show a secret. If the outcome was decided before, it
// does nothing and reports false.
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

// lose ends an execution whose state the runtime no longer holds: it cancels
// the node's context, and nothing is reported. It reports false if the outcome
// was decided before.
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

// held is the set of executions whose states the runtime holds: claimed, with
// outcomes that the state manager has not accepted yet. A state that is claimed
// again while its requeue waits for a response, or while its node still runs,
// counts once: the later claim proves that the earlier one is over.
type held struct {
	mu     sync.Mutex
	states map[string]*execution // by state ID
	leased chan struct{}         // has a token when a shorter lease was seen
	lease  time.Duration         // the shortest seen
}

func newHeld() *held {
	return &held{states: make(map[string]*execution), leased: make(chan struct{}, 1)}
}

// add adds e and returns the earlier execution of the same state, or nil.
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

// shortestLease returns the length of the shortest lease seen, or 0.
func (h *held) shortestLease() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lease
}

// each returns a copy of the set.
func (h *held) each() []*execution {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.states))
}
