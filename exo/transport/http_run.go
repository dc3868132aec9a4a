package transport

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A wireRun is a run as state managers send it.
type wireRun struct {
	RunInfo
	CreatedAt wireTime `json:"created_at"`
}

func (w *wireRun) info() RunInfo {
	w.RunInfo.CreatedAt = w.CreatedAt.Time
	return w.RunInfo
}

type runsAnswer struct {
	RunPage
	Runs []wireRun `json:"runs"`
}

func (a *runsAnswer) missing() string { return without(a.Runs == nil, "runs") }

// Runs implements [Control] (protocol.md §4).
func (n *namespace) Runs(ctx context.Context, page, size int) (RunPage, error) {
	answer, err := fetch[runsAnswer](ctx, n.conn, n.call("runs", http.MethodGet, "/runs/", strconv.Itoa(page), "/", strconv.Itoa(size)))
	for i := range answer.Runs {
		answer.RunPage.Runs = append(answer.RunPage.Runs, answer.Runs[i].info())
	}
	return answer.RunPage, err
}

type runGraphAnswer struct {
	RunGraph
	Roots []StateNode `json:"root_states"`
}

func (a *runGraphAnswer) missing() string { return without(a.States == nil, "nodes") }

// RunGraph implements [Control] (protocol.md §4).
func (n *namespace) RunGraph(ctx context.Context, runID string) (RunGraph, error) {
	answer, err := fetch[runGraphAnswer](ctx, n.conn, n.call("run graph", http.MethodGet, "/states/run/", runID, "/graph"))
	for _, s := range answer.Roots {
		answer.RunGraph.Roots = append(answer.RunGraph.Roots, s.ID)
	}
	return answer.RunGraph, err
}

// A wireState is a state as state managers send it.
type wireState struct {
	State
	CreatedAt wireTime `json:"created_at"`
	UpdatedAt wireTime `json:"updated_at"`
}

func (w *wireState) missing() string { return without(w.ID == "", "id") }

func (w *wireState) state() State {
	s := w.State
	s.Inputs, s.Outputs, s.Data = orNil(s.Inputs), orNil(s.Outputs), orNil(s.Data)
	s.CreatedAt, s.UpdatedAt = w.CreatedAt.Time, w.UpdatedAt.Time
	return s
}

// State implements [Control] (protocol.md §4).
func (n *namespace) State(ctx context.Context, graph, runID, stateID string) (State, error) {
	k := n.call("state detail", http.MethodGet, "/graph/", graph, "/run/", runID, "/node/", stateID)
	answer, err := fetch[wireState](ctx, n.conn, k)
	return answer.state(), err
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
	States []wireState `json:"states"`
}

func (a *runAnswer) missing() string {
	return without(a.ID == "" || a.States == nil, "run_id or states")
}

// RunInfo implements [RunReader] (protocol.md §13).
func (n *namespace) RunInfo(ctx context.Context, runID string) (RunInfo, error) {
	answer, err := n.runPart(ctx, runID, 0, 0, 0)
	return answer.info(), err
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
		if wait > 0 && answer.Status == RunPending {
			return answer.info(), nil, nil // from a state manager that gave states anyway
		}
		for i := range answer.States {
			states = append(states, answer.States[i].state())
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
	if wait > 0 {
		query.Set("pending_size", "0")
	}
	k.query = query.Encode()
	return use[runAnswer](ctx, n.conn, ExtensionRun, k)
}

// CancelRun implements [Canceler] (protocol.md §13).
func (n *namespace) CancelRun(ctx context.Context, runID string) error {
	_, err := use[struct{}](ctx, n.conn, ExtensionCancel, n.call("cancel run", http.MethodPost, "/run/", runID, "/cancel"))
	return err
}
