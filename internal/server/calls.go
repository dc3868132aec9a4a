package server

import (
	"context"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// The calls of the protocol. Each is described at the engine's method of the
// same name. Claim is in claim.go, Run in run.go, and those that only read are
// the engine's own. A call that changes something takes a context for the wait
// that the change may need.

// Register registers nodes.
func (s *Server) Register(ctx context.Context, ns, runtime string, nodes []transport.NodeSpec) error {
	defer s.rearm() // a graph with triggers may have become valid
	return alter(ctx, s, func(now time.Time) error { return s.engine.Register(now, ns, runtime, nodes) })
}

// Report records the outcome of a state.
func (s *Server) Report(ctx context.Context, ns string, r transport.Report) (statemanager.ReportResult, error) {
	return change(ctx, s, func(now time.Time) (statemanager.ReportResult, error) {
		return s.engine.Report(now, ns, s.heardReport(r))
	})
}

// ReportAll records the outcomes of many states. For each report, either the
// result or the error is set.
func (s *Server) ReportAll(ctx context.Context, ns string, rs []transport.Report) (results []statemanager.ReportResult, errs []error) {
	if !s.Extended() {
		heard := make([]transport.Report, len(rs))
		for i, r := range rs {
			heard[i] = s.heardReport(r)
		}
		rs = heard
	}
	_ = alter(ctx, s, func(now time.Time) error {
		results, errs = s.engine.ReportAll(now, ns, rs)
		return nil
	})
	return results, errs
}

// Heartbeat extends leases.
func (s *Server) Heartbeat(ctx context.Context, ns string, leases map[string]string, lease time.Duration) (lost []string, err error) {
	return change(ctx, s, func(now time.Time) ([]string, error) { return s.engine.Heartbeat(now, ns, leases, lease), nil })
}

// Secrets returns the secrets that the node of a claimed state declares.
func (s *Server) Secrets(ctx context.Context, ns, stateID string) (transport.Secrets, error) {
	return change(ctx, s, func(now time.Time) (transport.Secrets, error) { return s.engine.Secrets(now, ns, stateID) })
}

// PutGraph writes a graph.
func (s *Server) PutGraph(ctx context.Context, ns, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
	defer s.rearm() // the graph may have triggers
	return change(ctx, s, func(now time.Time) (transport.GraphInfo, error) { return s.engine.PutGraph(now, ns, name, g) })
}

// Trigger starts a run.
func (s *Server) Trigger(ctx context.Context, ns, graph string, t transport.TriggerSpec) (runID string, err error) {
	return change(ctx, s, func(now time.Time) (string, error) { return s.engine.Trigger(now, ns, graph, t) })
}

// CancelTriggers removes the cron triggers of a graph and returns their number.
func (s *Server) CancelTriggers(ctx context.Context, ns, graph string) (int, error) {
	return change(ctx, s, func(now time.Time) (int, error) { return s.engine.CancelTriggers(now, ns, graph) })
}

// StateDetail returns one state in full.
func (s *Server) StateDetail(ns, graph, runID, stateID string) (transport.State, error) {
	d, err := s.engine.StateDetail(ns, graph, runID, stateID)
	return s.told(d), err
}

// Retry retries a state manually. With force it also retries states that have
// not failed.
func (s *Server) Retry(ctx context.Context, ns, stateID, fanoutID string, force bool) (newStateID string, err error) {
	return change(ctx, s, func(now time.Time) (string, error) {
		return s.engine.Retry(now, ns, stateID, fanoutID, force && s.Extended())
	})
}

// CancelRun cancels a run.
func (s *Server) CancelRun(ctx context.Context, ns, runID string) error {
	return alter(ctx, s, func(now time.Time) error { return s.engine.CancelRun(now, ns, runID) })
}

// StoreSet writes a key.
func (s *Server) StoreSet(ctx context.Context, ns, stateID, key, value string) error {
	return alter(ctx, s, func(now time.Time) error { return s.engine.StoreSet(now, ns, stateID, key, value) })
}

// StoreSwap writes a key if its current value is old; nil means no value.
func (s *Server) StoreSwap(ctx context.Context, ns, stateID, key string, old *string, value string) (swapped bool, err error) {
	return change(ctx, s, func(now time.Time) (bool, error) { return s.engine.StoreSwap(now, ns, stateID, key, old, value) })
}

// StoreDelete removes a key.
func (s *Server) StoreDelete(ctx context.Context, ns, stateID, key string) error {
	return alter(ctx, s, func(now time.Time) error { return s.engine.StoreDelete(now, ns, stateID, key) })
}
