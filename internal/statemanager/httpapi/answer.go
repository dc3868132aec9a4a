package httpapi

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/jsontext"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// The responses that are given once for each state, or more often, are appended
// by hand.

// timeLayout is how times are written: UTC, without a zone (protocol.md §2).
const timeLayout = "2006-01-02T15:04:05.000000"

// appendTime appends t as a JSON string.
func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, timeLayout)
	return append(dst, '"')
}

// appendStates appends the response to a claim.
func appendStates(dst []byte, namespace string, states []transport.Claimed, extended bool) []byte {
	dst = append(dst, `{"count":`...)
	dst = strconv.AppendInt(dst, int64(len(states)), 10)
	dst = append(dst, `,"namespace":`...)
	dst = jsontext.AppendString(dst, namespace)
	dst = append(dst, `,"status":"QUEUED","states":[`...)
	for i := range states {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendState(dst, &states[i], extended)
	}
	return append(dst, `]}`...)
}

func appendState(dst []byte, s *transport.Claimed, extended bool) []byte {
	dst = append(dst, `{"state_id":`...)
	dst = jsontext.AppendString(dst, s.ID)
	dst = append(dst, `,"node_name":`...)
	dst = jsontext.AppendString(dst, s.Node)
	dst = append(dst, `,"identifier":`...)
	dst = jsontext.AppendString(dst, s.Identifier)
	dst = append(dst, `,"inputs":`...)
	dst = append(dst, s.Inputs...)
	dst = append(dst, `,"created_at":`...)
	dst = appendTime(dst, s.CreatedAt)
	if extended {
		dst = append(dst, `,"run_id":`...)
		dst = jsontext.AppendString(dst, s.RunID)
		dst = append(dst, `,"graph_name":`...)
		dst = jsontext.AppendString(dst, s.Graph)
		dst = append(dst, `,"attempt":`...)
		dst = strconv.AppendInt(dst, int64(s.Attempt), 10)
		if s.Lease > 0 {
			dst = append(dst, `,"lease_ms":`...)
			dst = strconv.AppendInt(dst, s.Lease.Milliseconds(), 10)
			dst = append(dst, `,"lease_token":`...)
			dst = jsontext.AppendString(dst, s.Token)
		}
	}
	return append(dst, '}')
}

// appendReported appends the response to a report that was taken.
func appendReported(dst []byte, o transport.Outcome, res statemanager.ReportResult) []byte {
	switch o.(type) {
	case transport.Executed:
		return append(dst, `{"status":"EXECUTED"}`...)
	case transport.Errored:
		dst = append(dst, `{"status":"ERRORED","retry_created":`...)
		dst = strconv.AppendBool(dst, res.RetryCreated)
	case transport.Pruned:
		dst = append(dst, `{"status":"PRUNED","enqueue_after":`...)
		dst = strconv.AppendInt(dst, res.EnqueueAfter.UnixMilli(), 10)
	case transport.Requeued:
		dst = append(dst, `{"status":"CREATED","enqueue_after":`...)
		dst = strconv.AppendInt(dst, res.EnqueueAfter.UnixMilli(), 10)
	}
	return append(dst, '}')
}

// The other responses are structs.

// A stamp is a time in a response.
type stamp time.Time

// MarshalJSON writes the time as protocol.md §2 has it.
func (s stamp) MarshalJSON() ([]byte, error) {
	return appendTime(make([]byte, 0, len(timeLayout)+2), time.Time(s)), nil
}

type (
	registerAnswer struct {
		Runtime string               `json:"runtime_name"`
		Nodes   []transport.NodeSpec `json:"registered_nodes"`
	}
	secretsAnswer struct {
		Secrets map[string]string `json:"secrets"`
	}
	triggerAnswer struct {
		Status string `json:"status"`
		RunID  string `json:"run_id"`
	}
	retryAnswer struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	cancelTriggersAnswer struct {
		Namespace string `json:"namespace"`
		Graph     string `json:"graph_name"`
		Count     int    `json:"cancelled_count"`
		Message   string `json:"message"`
	}
	namespacesAnswer struct {
		Namespaces []string `json:"namespaces"`
		Count      int      `json:"count"`
	}
	statusAnswer struct {
		Status string `json:"status"`
	}
	messageAnswer struct {
		Message string `json:"message"`
	}
	wakeAnswer struct {
		Woken bool `json:"woken"`
	}
	heartbeatAnswer struct {
		Lost []string `json:"lost"`
	}
	storeAnswer struct {
		Store map[string]string `json:"store"`
	}
	valueAnswer struct {
		Value string `json:"value"`
	}
)

type nodesAnswer struct {
	Namespace string       `json:"namespace"`
	Count     int          `json:"count"`
	Nodes     []nodeAnswer `json:"nodes"`
}

type nodeAnswer struct {
	transport.NodeInfo
	CreatedAt stamp `json:"created_at"`
	UpdatedAt stamp `json:"updated_at"`
}

func newNodeAnswer(n transport.NodeInfo) nodeAnswer {
	n.InputsSchema, n.OutputsSchema = orEmptyObject(n.InputsSchema), orEmptyObject(n.OutputsSchema)
	n.Secrets = orEmptyList(n.Secrets)
	return nodeAnswer{n, stamp(n.CreatedAt), stamp(n.UpdatedAt)}
}

type runsAnswer struct {
	Namespace string `json:"namespace"`
	transport.RunPage
	Runs []runAnswer `json:"runs"`
}

type runAnswer struct {
	transport.RunInfo
	CreatedAt stamp `json:"created_at"`
}

func newRunAnswer(r transport.RunInfo) runAnswer { return runAnswer{r, stamp(r.CreatedAt)} }

// runDetailAnswer is a run with its states in full.
type runDetailAnswer struct {
	runAnswer
	States []stateAnswer `json:"states"`
}

type runGraphAnswer struct {
	*transport.RunGraph
	Roots     []stateNodeAnswer `json:"root_states"`
	States    []stateNodeAnswer `json:"nodes"`
	NodeCount int               `json:"node_count"`
	EdgeCount int               `json:"edge_count"`
	Summary   summaryAnswer     `json:"execution_summary"`
}

// summaryAnswer has every status of the reference server, and CANCELLED only
// where there is one.
type summaryAnswer struct {
	Created          int `json:"CREATED"`
	Queued           int `json:"QUEUED"`
	Executed         int `json:"EXECUTED"`
	Errored          int `json:"ERRORED"`
	NextCreatedError int `json:"NEXT_CREATED_ERROR"`
	Success          int `json:"SUCCESS"`
	Pruned           int `json:"PRUNED"`
	RetryCreated     int `json:"RETRY_CREATED"`
	Cancelled        int `json:"CANCELLED,omitempty"`
}

type stateNodeAnswer struct {
	*transport.StateNode
	Error *string `json:"error"`
}

func newRunGraphAnswer(g *transport.RunGraph) runGraphAnswer {
	g.Edges = orEmptyList(g.Edges)
	a := runGraphAnswer{
		RunGraph: g, Roots: make([]stateNodeAnswer, 0, len(g.Roots)), States: make([]stateNodeAnswer, len(g.States)),
		NodeCount: len(g.States), EdgeCount: len(g.Edges),
		Summary: summaryAnswer{
			Created: g.Summary[transport.StatusCreated], Queued: g.Summary[transport.StatusQueued],
			Executed: g.Summary[transport.StatusExecuted], Errored: g.Summary[transport.StatusErrored],
			NextCreatedError: g.Summary[transport.StatusNextCreatedError],
			Success:          g.Summary[transport.StatusSuccess], Pruned: g.Summary[transport.StatusPruned],
			RetryCreated: g.Summary[transport.StatusRetryCreated], Cancelled: g.Summary[transport.StatusCancelled],
		},
	}
	roots := make(map[string]bool, len(g.Roots))
	for _, id := range g.Roots {
		roots[id] = true
	}
	for i := range g.States {
		s := &g.States[i]
		a.States[i] = stateNodeAnswer{s, orNothing(s.Error)}
		if roots[s.ID] {
			a.Roots = append(a.Roots, a.States[i])
		}
	}
	return a
}

type stateAnswer struct {
	*transport.State
	Error     *string `json:"error"`
	CreatedAt stamp   `json:"created_at"`
	UpdatedAt stamp   `json:"updated_at"`
	Attempt   *int    `json:"attempt,omitempty"`
}

// newStateAnswer takes s over.
func newStateAnswer(s *transport.State, extended bool) stateAnswer {
	s.Inputs, s.Outputs = orEmptyObject(s.Inputs), orEmptyObject(s.Outputs)
	a := stateAnswer{State: s, Error: orNothing(s.Error), CreatedAt: stamp(s.CreatedAt), UpdatedAt: stamp(s.UpdatedAt)}
	if extended {
		a.Attempt = &s.Attempt
	} else {
		s.Data, s.Place = nil, nil
	}
	return a
}

// orEmptyList gives a list that is written as [] and not as null.
func orEmptyList[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// orEmptyObject gives an object that is written as {} and not as null.
func orEmptyObject(o json.RawMessage) json.RawMessage {
	if len(o) == 0 {
		return json.RawMessage(`{}`)
	}
	return o
}

func orNothing(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
