package transport

import (
	"context"
	"net/http"
)

// Unimplemented is for embedding in a [Transport] of which only a part is
// wanted, or that is to compile still when the interfaces have grown: its
// methods answer an error that is [ErrUnsupported] and names the method. It has
// no optional abilities, since these are found by their methods.
type Unimplemented struct{}

var _ Transport = Unimplemented{}

func unimplemented(op, method string) error {
	return &Error{Op: op, Status: http.StatusNotImplemented, Message: "this transport has no " + method}
}

// Register implements [Worker].
func (Unimplemented) Register(context.Context, string, []NodeSpec) error {
	return unimplemented("register", "Register")
}

// Claim implements [Worker].
func (Unimplemented) Claim(context.Context, ClaimRequest) ([]State, error) {
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
func (Unimplemented) PutGraph(context.Context, string, GraphSpec) (GraphStatus, error) {
	return GraphStatus{}, unimplemented("upsert graph", "PutGraph")
}

// Graph implements [Control].
func (Unimplemented) Graph(context.Context, string) (GraphStatus, error) {
	return GraphStatus{}, unimplemented("graph", "Graph")
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

// StateDetail implements [Control].
func (Unimplemented) StateDetail(context.Context, string, string, string) (StateDetail, error) {
	return StateDetail{}, unimplemented("state detail", "StateDetail")
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
func (Unimplemented) Graphs(context.Context) ([]GraphStatus, error) {
	return nil, unimplemented("graphs", "Graphs")
}
