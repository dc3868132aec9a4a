package transport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

type wireRun struct {
	ID        string    `json:"run_id"`
	Graph     string    `json:"graph_name"`
	Status    RunStatus `json:"status"`
	Success   int       `json:"success_count"`
	Pending   int       `json:"pending_count"`
	Errored   int       `json:"errored_count"`
	Retried   int       `json:"retried_count"`
	Total     int       `json:"total_count"`
	CreatedAt wireTime  `json:"created_at"`
}

func (w *wireRun) info() RunInfo {
	return RunInfo{w.ID, w.Graph, w.Status, w.Success, w.Pending, w.Errored, w.Retried, w.Total, w.CreatedAt.Time}
}

type runsAnswer struct {
	Total int       `json:"total"`
	Page  int       `json:"page"`
	Size  int       `json:"size"`
	Runs  []wireRun `json:"runs"`
}

func (a *runsAnswer) missing() string { return without(a.Runs == nil, "runs") }

// Runs implements [Control] (protocol.md §4).
func (n *namespace) Runs(ctx context.Context, page, size int) (RunPage, error) {
	answer, err := fetch[runsAnswer](ctx, n.conn, n.call("runs", http.MethodGet, "/runs/", strconv.Itoa(page), "/", strconv.Itoa(size)))
	runs := RunPage{Total: answer.Total, Page: answer.Page, Size: answer.Size}
	for i := range answer.Runs {
		runs.Runs = append(runs.Runs, answer.Runs[i].info())
	}
	return runs, err
}

type runGraphAnswer struct {
	Graph   string          `json:"graph_name"`
	Roots   []wireStateNode `json:"root_states"`
	States  []wireStateNode `json:"nodes"`
	Edges   []Edge          `json:"edges"`
	Summary map[Status]int  `json:"execution_summary"`
}

type wireStateNode struct {
	ID         string `json:"id"`
	Node       string `json:"node_name"`
	Identifier string `json:"identifier"`
	Status     Status `json:"status"`
	Error      string `json:"error"`
}

func (a *runGraphAnswer) missing() string { return without(a.States == nil, "nodes") }

// RunGraph implements [Control] (protocol.md §4).
func (n *namespace) RunGraph(ctx context.Context, runID string) (RunGraph, error) {
	answer, err := fetch[runGraphAnswer](ctx, n.conn, n.call("run graph", http.MethodGet, "/states/run/", runID, "/graph"))
	graph := RunGraph{Graph: answer.Graph, Edges: answer.Edges, Summary: answer.Summary}
	for _, s := range answer.Roots {
		graph.Roots = append(graph.Roots, s.ID)
	}
	for _, s := range answer.States {
		graph.States = append(graph.States, StateNode(s))
	}
	return graph, err
}

type wireDetail struct {
	ID         string          `json:"id"`
	Node       string          `json:"node_name"`
	Identifier string          `json:"identifier"`
	Graph      string          `json:"graph_name"`
	RunID      string          `json:"run_id"`
	Status     Status          `json:"status"`
	Inputs     json.RawMessage `json:"inputs"`
	Outputs    json.RawMessage `json:"outputs"`
	Error      string          `json:"error"`
	Data       json.RawMessage `json:"data"`
	Parents    wireParents     `json:"parents"`
	Attempt    int             `json:"attempt"`
	Place      []int           `json:"place"`
	CreatedAt  wireTime        `json:"created_at"`
	UpdatedAt  wireTime        `json:"updated_at"`
}

func (w *wireDetail) missing() string { return without(w.ID == "", "id") }

func (w *wireDetail) detail() State {
	return State{
		ID: w.ID, Node: w.Node, Identifier: w.Identifier, Graph: w.Graph, RunID: w.RunID, Status: w.Status,
		Inputs: orNil(w.Inputs), Outputs: orNil(w.Outputs), Error: w.Error, Data: orNil(w.Data),
		Parents: w.Parents, Attempt: w.Attempt, Place: w.Place, CreatedAt: w.CreatedAt.Time, UpdatedAt: w.UpdatedAt.Time,
	}
}

// State implements [Control] (protocol.md §4).
func (n *namespace) State(ctx context.Context, graph, runID, stateID string) (State, error) {
	k := n.call("state detail", http.MethodGet, "/graph/", graph, "/run/", runID, "/node/", stateID)
	answer, err := fetch[wireDetail](ctx, n.conn, k)
	return answer.detail(), err
}

type retryAnswer struct {
	ID string `json:"id"`
}

func (a *retryAnswer) missing() string { return without(a.ID == "", "id") }

// Retry implements [Control] (protocol.md §10).
func (n *namespace) Retry(ctx context.Context, stateID, fanoutID string) (newStateID string, err error) {
	k := n.call("manual retry", http.MethodPost, "/state/", stateID, "/manual-retry").withBody(struct {
		FanoutID string `json:"fanout_id"`
	}{fanoutID})
	answer, err := fetch[retryAnswer](ctx, n.conn, k)
	return answer.ID, err
}

type runAnswer struct {
	wireRun
	States []wireDetail `json:"states"`
}

func (a *runAnswer) missing() string {
	return without(a.ID == "" || a.States == nil, "run_id or states")
}

// mostStates is the number of states of a run requested at once, so that a
// response stays well below maxAnswer.
const mostStates = 5000

// Run implements [RunReader] (protocol.md §13). The state manager holds the
// response for at most half a minute, so check the status. The states of a
// large run come in several responses. If the run was pending, these may show
// it at different moments.
func (n *namespace) Run(ctx context.Context, runID string, wait time.Duration) (RunInfo, []State, error) {
	states := []State{}
	for most := mostStates; ; {
		answer, err := n.runPart(ctx, runID, wait, len(states), most)
		switch {
		case err == nil:
		case errors.Is(err, ErrAnswerTooLarge) && most > 1:
			most = max(most/8, 1)
			continue
		default:
			return RunInfo{}, nil, err
		}
		for i := range answer.States {
			states = append(states, answer.States[i].detail())
		}
		if len(answer.States) < most || len(states) >= answer.Total {
			return answer.info(), states, nil
		}
		wait = 0
	}
}

// runPart reads a run and a range of its states. A state manager that does not
// know ranges returns all states.
func (n *namespace) runPart(ctx context.Context, runID string, wait time.Duration, from, most int) (runAnswer, error) {
	k := n.call("run", http.MethodGet, "/run/", runID)
	query := url.Values{"size": {strconv.Itoa(most)}}
	if from > 0 {
		query.Set("from", strconv.Itoa(from))
	}
	if hold := n.wait(ctx, wait); hold > 0 {
		query.Set("wait_ms", strconv.FormatInt(millis(hold), 10))
	}
	k.query = query.Encode()
	return use[runAnswer](ctx, n.conn, ExtensionRun, k)
}

// CancelRun implements [Canceler] (protocol.md §13).
func (n *namespace) CancelRun(ctx context.Context, runID string) error {
	_, err := use[struct{}](ctx, n.conn, ExtensionCancel, n.call("cancel run", http.MethodPost, "/run/", runID, "/cancel"))
	return err
}
