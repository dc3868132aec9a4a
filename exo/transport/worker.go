package transport

import (
	"context"
	"encoding/json"
	"time"
)

// Worker is what a runtime asks of a state manager. Methods are safe for
// concurrent use. An error that more attempts cannot mend is an [*Error] whose
// Temporary method reports false.
type Worker interface {
	// Register declares nodes; a name that is registered already is replaced.
	Register(ctx context.Context, runtime string, nodes []NodeSpec) error

	// Claim takes at most req.Max states that are due. A claimed state is the
	// caller's until the caller reports on it or its lease ends (Lease 0: never
	// ends). So a runtime never cancels a Claim under way; it lets it end and
	// hands back what it cannot start.
	Claim(ctx context.Context, req ClaimRequest) ([]Claimed, error)

	// Report tells what became of states. It returns nil if every report was
	// taken, else one error for each report, in the order of reports, with nil
	// for those that were taken.
	Report(ctx context.Context, reports []Report) []error

	// Secrets gets the secrets of the graph that the state belongs to: those
	// that the state's node declares, from state managers that keep them apart.
	Secrets(ctx context.Context, stateID string) (Secrets, error)
}

// ClaimRequest asks for states of the named nodes.
type ClaimRequest struct {
	Nodes []string
	Max   int
	Wait  time.Duration // how long to wait for a first state, where the state manager can

	// Stop, once closed, ends the wait early. States that were taken by then are
	// returned all the same. A transport that cannot tell the state manager lets
	// the wait end by itself.
	Stop <-chan struct{}

	Lease time.Duration // how long the states are to be ours without a heartbeat, where it can
}

// Claimed is one unit of work, claimed.
type Claimed struct {
	ID         string
	Node       string
	Identifier string // the step of the graph
	Inputs     Object
	CreatedAt  time.Time

	// What follows is empty when the state manager does not say.
	Graph   string
	RunID   string
	Attempt int           // 0 the first time, then 1, 2, … for retries
	Lease   time.Duration // 0: the state is ours until we report
	Token   string        // proves the lease; echoed in Report
}

// NodeSpec is how a node is registered.
type NodeSpec struct {
	Name          string          `json:"name"`
	InputsSchema  json.RawMessage `json:"inputs_schema"`
	OutputsSchema json.RawMessage `json:"outputs_schema"`
	Secrets       []string        `json:"secrets"` // the names of the secrets that the node needs
}

// Report is what became of one state.
type Report struct {
	StateID string
	Token   string // the lease's token, as claimed
	Outcome Outcome
}

// Outcome is one of [Executed], [Errored], [Pruned] and [Requeued].
type Outcome interface{ outcome() }

type (
	// Executed says that the node ran. More than one output fans out; none is one
	// empty output.
	Executed struct {
		Outputs []Object

		// Checked says that each of Outputs is known to be a JSON object, so that no
		// transport need look again. Set it only of what a codec has just made: a
		// state manager refuses a call with anything else in it, other reports included.
		Checked bool
	}

	// Errored says that the node failed; the state manager retries by the graph's policy,
	// unless it is Permanent and the state manager knows the notion.
	Errored struct {
		Message   string
		Permanent bool
	}

	// Pruned says that the node ended its branch.
	Pruned struct{ Data map[string]any }

	// Requeued says that the node, or a runtime that drains, puts the state back,
	// to be claimed again After a positive time.
	Requeued struct{ After time.Duration }
)

func (Executed) outcome() {}
func (Errored) outcome()  {}
func (Pruned) outcome()   {}
func (Requeued) outcome() {}
