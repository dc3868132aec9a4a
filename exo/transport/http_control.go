package transport

import (
	"context"
	"errors"
	"net/http"
)

type nodesAnswer struct {
	Nodes []struct {
		NodeInfo
		CreatedAt wireTime `json:"created_at"`
		UpdatedAt wireTime `json:"updated_at"`
	} `json:"nodes"`
}

func (a *nodesAnswer) missing() string { return without(a.Nodes == nil, "nodes") }

// Nodes implements [Control] (protocol.md §4).
func (n *namespace) Nodes(ctx context.Context) ([]NodeInfo, error) {
	answer, err := fetch[nodesAnswer](ctx, n.conn, n.call("nodes", http.MethodGet, "/nodes/"))
	nodes := make([]NodeInfo, 0, len(answer.Nodes))
	for i := range answer.Nodes {
		w := &answer.Nodes[i]
		w.NodeInfo.CreatedAt, w.NodeInfo.UpdatedAt = w.CreatedAt.Time, w.UpdatedAt.Time
		nodes = append(nodes, w.NodeInfo)
	}
	return nodes, err
}

type triggerAnswer struct {
	RunID string `json:"run_id"`
}

func (a *triggerAnswer) missing() string { return without(a.RunID == "", "run_id") }

// Trigger implements [Control] (protocol.md §4).
func (n *namespace) Trigger(ctx context.Context, graph string, t TriggerSpec) (runID string, err error) {
	k := n.call("trigger", http.MethodPost, "/graph/", graph, "/trigger").withBody(struct {
		StartDelay int64             `json:"start_delay"`
		Inputs     map[string]string `json:"inputs"`
		Store      map[string]string `json:"store"`
	}{max(millis(t.StartDelay), 0), orEmpty(t.Inputs), orEmpty(t.Store)})
	answer, err := fetch[triggerAnswer](ctx, n.conn, k)
	return answer.RunID, err
}

type cancelTriggersAnswer struct {
	Cancelled *int `json:"cancelled_count"`
}

func (a *cancelTriggersAnswer) missing() string {
	return without(a.Cancelled == nil, "cancelled_count")
}

// CancelTriggers implements [TriggerCanceler] (protocol.md §12).
func (n *namespace) CancelTriggers(ctx context.Context, graph string) (cancelled int, err error) {
	k := n.call("cancel triggers", http.MethodDelete, "/graph/", graph, "/triggers")
	answer, err := fetch[cancelTriggersAnswer](ctx, n.conn, k)
	if e := new(Error); errors.As(err, &e) && (e.Status == http.StatusMethodNotAllowed || e.Message == "Not Found") {
		err = &Error{
			Op: k.op, Status: http.StatusNotImplemented, RequestID: e.RequestID,
			Message: "the state manager at " + n.address() + " cannot cancel triggers: write the graph again without them",
		}
	}
	if err != nil {
		return 0, err
	}
	return *answer.Cancelled, nil
}
