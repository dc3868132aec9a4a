package exo

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// An execution is a claimed state on its way through the runtime, until its
// outcome has been reported.
type execution struct {
	runtime *Runtime
	node    *servedNode // nil: not served here
	request node.Request
	lease   time.Duration
	redact  *redactor
	logger  stateLogger

	ctx    context.Context //nolint:containedctx // the node's, made when the state is claimed
	cancel context.CancelCauseFunc

	// settled is set by whoever decides the outcome: the worker when the node
	// returns, the drain when it gives up on it, or a heartbeat that found the
	// lease lost. Only the first has a say.
	settled atomic.Bool

	outcome  Outcome
	report   transport.Report
	size     int // of the report, in bytes
	finished time.Time

	// unanswered is set when a report got no clear answer: it may have been
	// taken all the same.
	unanswered bool
}

func newExecution(r *Runtime, n *servedNode, s transport.State) *execution {
	return &execution{
		runtime: r,
		node:    n,
		request: node.Request{
			Info: node.Info{
				StateID: s.ID, Node: s.Node, Identifier: s.Identifier,
				Namespace: r.namespace, Runtime: r.name,
				Graph: s.Graph, RunID: s.RunID, Attempt: s.Attempt, CreatedAt: s.CreatedAt,
			},
			Inputs: s.Inputs,
		},
		lease:  s.Lease,
		report: transport.Report{StateID: s.ID, Token: s.Token},
	}
}

func (e *execution) info() *node.Info { return &e.request.Info }

// begin gives the execution its context, so that from now on a lost lease or
// the end of the drain can cancel it.
func (e *execution) begin(parent context.Context) {
	e.ctx, e.cancel = context.WithCancelCause(parent)
}

// putBack returns the state to the state manager unexecuted, or cut short.
func (e *execution) putBack(after time.Duration) {
	e.settle(Outcome{Kind: Returned, After: after}, transport.Requeued{After: after}, 0)
}

// settle decides the outcome and hands it to the reporter. It reports false,
// and does nothing, if the outcome was decided before.
func (e *execution) settle(o Outcome, wire transport.Outcome, size int) bool {
	if !e.settled.CompareAndSwap(false, true) {
		return false
	}
	e.outcome = o
	e.report.Outcome = wire
	e.size = size
	e.finished = time.Now()
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
	e.runtime.held.remove(e)
	if e.cancel != nil {
		e.cancel(ErrLeaseLost)
	}
	return true
}

func (e *execution) leased() bool { return e.lease > 0 && e.report.Token != "" }

// held is the set of executions whose states are the runtime's: claimed, and
// their outcomes not yet taken by the state manager.
type held struct {
	mu     sync.Mutex
	set    map[*execution]struct{}
	leased chan struct{} // has a token when a state with a lease came in
	lease  time.Duration // the shortest of those seen
}

func (h *held) add(e *execution) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.set == nil {
		h.set = make(map[*execution]struct{})
	}
	h.set[e] = struct{}{}
	if e.leased() && (h.lease == 0 || e.lease < h.lease) {
		h.lease = e.lease
		notify(h.leaseSignal())
	}
}

// leaseSignal is the channel on which the first lease is told. The lock is
// held.
func (h *held) leaseSignal() chan struct{} {
	if h.leased == nil {
		h.leased = make(chan struct{}, 1)
	}
	return h.leased
}

func (h *held) remove(e *execution) {
	h.mu.Lock()
	delete(h.set, e)
	h.mu.Unlock()
}

// each is a copy of the set.
func (h *held) each() []*execution {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*execution, 0, len(h.set))
	for e := range h.set {
		all = append(all, e)
	}
	return all
}
