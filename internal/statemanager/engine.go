// Package statemanager is a state manager as a deterministic state machine:
// the rules of protocol.md and nothing else. Its [Engine] reads no clock,
// starts no goroutine and does no I/O: every call is given the time, does its
// whole transition at once under one lock, and takes ids, tokens and jitter
// from one source of randomness. So the same calls give the same states.
package statemanager

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// Options configures an [Engine]. The zero value is fit for use.
type Options struct {
	Rand         rand.Source
	DefaultLease time.Duration
	Rules        Rules
	OnChange     func(Change)
	KeepRuns     int
}

// Rules chooses between our rules and the reference server's.
type Rules struct {
	AsReference bool
}

// Change is one transition of a state.
type Change struct {
	Namespace, Node string
	StateID, RunID  string
	From, To        transport.Status
	Due             time.Time
	RunAtRest       bool
}

// ReportResult is the answer to a report that was taken.
type ReportResult struct {
	Status       transport.Status
	RetryCreated bool
	EnqueueAfter time.Time
}

// FieldError is one field of a request that breaks a rule (protocol.md §2).
type FieldError struct {
	Type  string
	Loc   []any
	Msg   string
	Input any
	Ctx   map[string]any
}

// FieldErrors is why a request was refused with status 422.
type FieldErrors []FieldError

func (f FieldErrors) Error() string {
	var s string
	for i, e := range f {
		if i > 0 {
			s += "; "
		}
		s += e.Msg
	}
	return s
}

// Engine holds graphs, runs and states. It is safe for concurrent use.
type Engine struct {
	mu   sync.Mutex
	opts Options
}

// New makes an Engine without any nodes or graphs.
func New(o Options) *Engine { return &Engine{opts: o} }

func unfinished(op string) error {
	return &transport.Error{Op: op, Status: http.StatusNotImplemented, Message: "not built yet"}
}

func (e *Engine) Register(_ time.Time, _, _ string, _ []transport.NodeSpec) error {
	return unfinished("register")
}

func (e *Engine) Claim(_ time.Time, _ string, _ transport.ClaimRequest) []transport.State { return nil }

func (e *Engine) Report(_ time.Time, _ string, _ transport.Report) (ReportResult, error) {
	return ReportResult{}, unfinished("report")
}

func (e *Engine) ReportAll(_ time.Time, _ string, rs []transport.Report) ([]ReportResult, []error) {
	return make([]ReportResult, len(rs)), make([]error, len(rs))
}

func (e *Engine) Heartbeat(_ time.Time, _ string, _ map[string]string, _ time.Duration) (lost []string) {
	return nil
}

func (e *Engine) Secrets(_ time.Time, _, _ string) (transport.Secrets, error) {
	return nil, unfinished("secrets")
}

func (e *Engine) PutGraph(_ time.Time, _, _ string, _ transport.GraphSpec) (transport.GraphStatus, error) {
	return transport.GraphStatus{}, unfinished("upsert graph")
}

func (e *Engine) Graph(_, _ string) (transport.GraphStatus, error) {
	return transport.GraphStatus{}, unfinished("graph")
}

func (e *Engine) Graphs(_ string) []transport.GraphStatus { return nil }

func (e *Engine) Nodes(_ string) []transport.NodeInfo { return nil }

func (e *Engine) Namespaces() []string { return nil }

func (e *Engine) Trigger(_ time.Time, _, _ string, _ transport.TriggerSpec) (runID string, err error) {
	return "", unfinished("trigger")
}

func (e *Engine) CancelTriggers(_ time.Time, _, _ string) (int, error) {
	return 0, unfinished("cancel triggers")
}

func (e *Engine) Runs(_ string, _, _ int) (transport.RunPage, error) {
	return transport.RunPage{}, unfinished("runs")
}

func (e *Engine) Run(_, _ string) (transport.RunInfo, []transport.StateDetail, error) {
	return transport.RunInfo{}, nil, unfinished("run")
}

func (e *Engine) AtRest(_, _ string) (bool, error) { return false, unfinished("run") }

func (e *Engine) RunGraph(_, _ string) (transport.RunGraph, error) {
	return transport.RunGraph{}, unfinished("run graph")
}

func (e *Engine) StateDetail(_, _, _, _ string) (transport.StateDetail, error) {
	return transport.StateDetail{}, unfinished("state detail")
}

func (e *Engine) Retry(_ time.Time, _, _, _ string, _ bool) (newStateID string, err error) {
	return "", unfinished("manual retry")
}

func (e *Engine) CancelRun(_ time.Time, _, _ string) error { return unfinished("cancel run") }

func (e *Engine) StoreAll(_, _ string) (map[string]string, error) { return nil, unfinished("store") }

func (e *Engine) StoreGet(_, _, _ string) (string, bool, error) {
	return "", false, unfinished("store")
}

func (e *Engine) StoreSet(_ time.Time, _, _, _, _ string) error { return unfinished("store") }

func (e *Engine) StoreSwap(_ time.Time, _, _, _ string, _ *string, _ string) (bool, error) {
	return false, unfinished("store")
}

func (e *Engine) StoreDelete(_ time.Time, _, _, _ string) error { return unfinished("store") }

func (e *Engine) Advance(_ time.Time) {}

func (e *Engine) NextEvent() (time.Time, bool) { return time.Time{}, false }

func (e *Engine) NextDue(_ string, _ []string) (time.Time, bool) { return time.Time{}, false }
