package transport

import (
	"context"
	"net/http"
)

// Unimplemented is meant to be embedded in a partial [Transport], or in one
// that must still compile when the interfaces grow. Its methods return an error
// that is [ErrUnsupported] and names the method. It implements no optional
// interfaces.
type Unimplemented struct{}

var _ Transport = Unimplemented{}

func unimplemented(op, method string) error {
	return &Error{Op: op, Status: http.StatusNotImplemented, Message: "transport does not implement " + method}
}

// Register implements [Worker].
func (Unimplemented) Register(context.Context, string, []NodeSpec) error {
	return unimplemented("register", "Register")
}

// Claim implements [Worker].
func (Unimplemented) Claim(context.Context, ClaimRequest) ([]Claimed, error) {
	return nil, unimplemented("claim", "Claim")
}

// Report implements [Worker].
func (Unimplemented) Report(_ context.Context, reports []Report) []error {
	if len(reports) == 0 {
		return nil
	}
	errs := make([]error, len(reports))
	for i := range errs {
		errs[i] = unimplemented("report", "Report")
	}
	return errs
}

// Secrets implements [Worker].
func (Unimplemented) Secrets(context.Context, string) (Secrets, error) {
	return nil, unimplemented("secrets", "Secrets")
}

// PutGraph implements [Control].
func (Unimplemented) PutGraph(context.Context, string, GraphSpec) (GraphInfo, error) {
	return GraphInfo{}, unimplemented("upsert graph", "PutGraph")
}

// Graph implements [Control].
func (Unimplemented) Graph(context.Context, string) (GraphInfo, error) {
	return GraphInfo{}, unimplemented("graph", "Graph")
}

// Trigger implements [Control].
func (Unimplemented) Trigger(context.Context, string, TriggerSpec) (runID string, err error) {
	return "", unimplemented("trigger", "Trigger")
}

// Runs implements [Control].
func (Unimplemented) Runs(context.Context, int, int) (RunPage, error) {
	return RunPage{}, unimplemented("runs", "Runs")
}

// RunGraph implements [Control].
func (Unimplemented) RunGraph(context.Context, string) (RunGraph, error) {
	return RunGraph{}, unimplemented("run graph", "RunGraph")
}

// State implements [Control].
func (Unimplemented) State(context.Context, string, string, string) (State, error) {
	return State{}, unimplemented("state detail", "State")
}

// Retry implements [Control].
func (Unimplemented) Retry(context.Context, string, string) (newStateID string, err error) {
	return "", unimplemented("manual retry", "Retry")
}

// Nodes implements [Control].
func (Unimplemented) Nodes(context.Context) ([]NodeInfo, error) {
	return nil, unimplemented("nodes", "Nodes")
}

// Graphs implements [Control].
func (Unimplemented) Graphs(context.Context) ([]GraphInfo, error) {
	return nil, unimplemented("graphs", "Graphs")
}
