package transport

import (
	"context"
	"encoding/json"
	"time"
)

// Worker holds the calls of runtimes. Methods are safe for concurrent use. An
// error that retrying cannot fix is an [*Error] whose Temporary method reports
// false.
type Worker interface {
	// Register registers nodes. It replaces nodes that are already registered.
	Register(ctx context.Context, runtime string, nodes []NodeSpec) error

	// Claim claims up to req.Max states that are due. A claimed state belongs
	// to the caller until the caller reports on it or its lease ends; a Lease
	// of 0 never ends. So a runtime never cancels a Claim in flight: it waits
	// for the response and requeues what it cannot start.
	Claim(ctx context.Context, req ClaimRequest) ([]Claimed, error)

	// Report reports the outcomes of states. It returns nil if every report was
	// accepted. Otherwise it returns one error per report, in the order of
	// reports, with nil for those that were accepted.
	Report(ctx context.Context, reports []Report) []error

	// Secrets returns the secrets of the graph that the state belongs to. Some
	// state managers return only those that the state's node declares.
	Secrets(ctx context.Context, stateID string) (Secrets, error)
}

// ClaimRequest asks for states of the named nodes.
type ClaimRequest struct {
	Nodes []string
	Max   int
	Wait  time.Duration // how long to wait for the first state, if the state manager can wait

	// Stop ends the wait early when it is closed. States claimed by then are
	// still returned. A transport that cannot tell the state manager lets the
	// wait run out.
	Stop <-chan struct{}

	Lease time.Duration // lease of the states, if the state manager has leases; 0 asks for none
}

// Claimed is a claimed state.
type Claimed struct {
	ID         string
	Node       string
	Identifier string // of the step in the graph
	Inputs     Object
	CreatedAt  time.Time

	// The fields below are zero if the state manager does not tell them.
	Graph   string
	RunID   string
	Attempt int           // 0 for the first attempt, then 1, 2, … for retries
	Lease   time.Duration // 0 means until reported
	Token   string        // proves the lease; sent back in Report
}

// NodeSpec is a node to register.
type NodeSpec struct {
	Name          string          `json:"name"`
	InputsSchema  json.RawMessage `json:"inputs_schema"`
	OutputsSchema json.RawMessage `json:"outputs_schema"`
	Secrets       []string        `json:"secrets"` // names of the secrets that the node needs
}

// Report is the outcome of one state.
type Report struct {
	StateID string
	Token   string // token of the lease, as claimed
	Outcome Outcome
}

// Outcome is one of [Executed], [Errored], [Pruned] and [Requeued].
type Outcome interface{ outcome() }

type (
	// Executed says that the node succeeded. More than one output fans out; no
	// output counts as one empty output.
	Executed struct {
		Outputs []Object

		// Checked says that each of Outputs is known to be a JSON object, so
		// that transports need not check again. Set it only for outputs that a
		// codec has just made: a state manager rejects a call with anything
		// else in it, including the other reports.
		Checked bool
	}

	// Errored says that the node failed. The state manager retries according to
	// the graph's policy, unless the error is Permanent and the state manager
	// supports that.
	Errored struct {
		Message   string
		Permanent bool
	}

	// Pruned says that the node ended its branch.
	Pruned struct{ Data map[string]any }

	// Requeued says that the node, or a draining runtime, requeues the state,
	// to be claimed again After a positive duration.
	Requeued struct{ After time.Duration }
)

func (Executed) outcome() {}
func (Errored) outcome()  {}
func (Pruned) outcome()   {}
func (Requeued) outcome() {}
