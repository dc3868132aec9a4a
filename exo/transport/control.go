package transport

import (
	"context"
	"encoding/json"
	"time"
)

// Control is what a client asks of a state manager. Methods are safe for
// concurrent use.
type Control interface {
	// PutGraph writes a graph. The answer's Validation may still be pending:
	// read the graph again until it is not.
	PutGraph(ctx context.Context, name string, g GraphSpec) (GraphInfo, error)
	Graph(ctx context.Context, name string) (GraphInfo, error)
	Trigger(ctx context.Context, graph string, t TriggerSpec) (runID string, err error)

	// Runs reads a page of the runs of the namespace, newest first. Pages are
	// numbered from 1.
	Runs(ctx context.Context, page, size int) (RunPage, error)
	RunGraph(ctx context.Context, runID string) (RunGraph, error)
	State(ctx context.Context, graph, runID, stateID string) (State, error)

	// Retry runs a state again by hand (protocol.md §10). The same fanoutID again, for
	// a state of the same step and direct parent, is [ErrConflict].
	Retry(ctx context.Context, stateID, fanoutID string) (newStateID string, err error)
	Nodes(ctx context.Context) ([]NodeInfo, error)
	Graphs(ctx context.Context) ([]GraphInfo, error)
}

// GraphSpec is a graph as it is written.
type GraphSpec struct {
	Nodes    []Placement
	Secrets  Secrets
	Retry    *RetryPolicy // nil: the state manager's default, [DefaultRetryPolicy]
	Store    StoreConfig
	Triggers []CronTrigger
}

// Placement is one node placed in a graph.
type Placement struct {
	Node       string            `json:"node_name"`
	Namespace  string            `json:"namespace"`
	Identifier string            `json:"identifier"`
	Inputs     map[string]string `json:"inputs"`
	Next       []string          `json:"next_nodes"`
	Unites     *Unites           `json:"unites"`
}

// Unites makes a placement run once, when all that a state of the placement
// Identifier gave rise to is done.
type Unites struct {
	Identifier string        `json:"identifier"`
	Strategy   UniteStrategy `json:"strategy"`
}

// UniteStrategy says what a join waits for.
type UniteStrategy string

const (
	AllSuccess UniteStrategy = "ALL_SUCCESS" // every branch has succeeded or was pruned; the default
	AllDone    UniteStrategy = "ALL_DONE"    // no branch is under way, whatever became of it
)

// RetryPolicy says when failed states are tried again (protocol.md §10).
type RetryPolicy struct {
	MaxRetries int
	Strategy   RetryStrategy
	Backoff    time.Duration // at least a millisecond
	Exponent   int
	MaxDelay   time.Duration // 0: no bound
}

// DefaultRetryPolicy is what a graph without a policy gets.
func DefaultRetryPolicy() RetryPolicy {
	return RetryPolicy{MaxRetries: 3, Strategy: Exponential, Backoff: 2 * time.Second, Exponent: 2}
}

// RetryStrategy is how the delay grows from one attempt to the next, and how
// it is spread.
type RetryStrategy string

const (
	Exponential            RetryStrategy = "EXPONENTIAL"
	ExponentialFullJitter  RetryStrategy = "EXPONENTIAL_FULL_JITTER"
	ExponentialEqualJitter RetryStrategy = "EXPONENTIAL_EQUAL_JITTER"
	Linear                 RetryStrategy = "LINEAR"
	LinearFullJitter       RetryStrategy = "LINEAR_FULL_JITTER"
	LinearEqualJitter      RetryStrategy = "LINEAR_EQUAL_JITTER"
	Fixed                  RetryStrategy = "FIXED"
	FixedFullJitter        RetryStrategy = "FIXED_FULL_JITTER"
	FixedEqualJitter       RetryStrategy = "FIXED_EQUAL_JITTER"
)

// StoreConfig declares the keys of a run's store.
type StoreConfig struct {
	RequiredKeys  []string          `json:"required_keys"`
	DefaultValues map[string]string `json:"default_values"`
}

// CronTrigger starts a run at every time that Expression, of five fields,
// matches in Timezone: an IANA name, or empty for UTC.
type CronTrigger struct {
	Expression string
	Timezone   string
}

// GraphInfo is a graph as the state manager has it.
type GraphInfo struct {
	Name        string
	Namespace   string
	Nodes       []Placement
	SecretNames []string
	Retry       RetryPolicy
	Store       StoreConfig
	Triggers    []CronTrigger
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Status      ValidationStatus
	Errors      []string // why Validation is [Invalid]

	// Version counts how often the graph was written, from 1. ServingVersion is
	// the version that runs are started of: this one, or an earlier one while this
	// one is [Invalid]; 0 if there is none. Both are 0 if the state manager does
	// not say, as one without extensions (protocol.md §13).
	Version        int
	ServingVersion int
}

// ValidationStatus says whether a graph can be run.
type ValidationStatus string

const (
	Pending ValidationStatus = "PENDING" // not yet checked
	Ongoing ValidationStatus = "ONGOING" // being checked
	Valid   ValidationStatus = "VALID"
	Invalid ValidationStatus = "INVALID"
)

// TriggerSpec starts a run.
type TriggerSpec struct {
	Inputs     map[string]string // replace inputs of the root placement
	Store      map[string]string
	StartDelay time.Duration
}

// RunStatus is the state of a whole run.
type RunStatus string

const (
	RunPending   RunStatus = "PENDING"
	RunSuccess   RunStatus = "SUCCESS"
	RunFailed    RunStatus = "FAILED"
	RunCancelled RunStatus = "CANCELLED"
)

// RunInfo is a run in numbers of states.
type RunInfo struct {
	ID        string
	Graph     string
	Status    RunStatus
	Success   int // SUCCESS and PRUNED
	Pending   int // CREATED, QUEUED and EXECUTED
	Errored   int // ERRORED and NEXT_CREATED_ERROR
	Retried   int // RETRY_CREATED
	Total     int
	CreatedAt time.Time
}

// RunPage is one page of a namespace's runs.
type RunPage struct {
	Total int // runs in the namespace
	Page  int
	Size  int
	Runs  []RunInfo
}

// Status is what has become of a state (protocol.md §5).
type Status string

const (
	StatusCreated          Status = "CREATED"
	StatusQueued           Status = "QUEUED"
	StatusExecuted         Status = "EXECUTED"
	StatusErrored          Status = "ERRORED"
	StatusNextCreatedError Status = "NEXT_CREATED_ERROR"
	StatusSuccess          Status = "SUCCESS"
	StatusPruned           Status = "PRUNED"
	StatusRetryCreated     Status = "RETRY_CREATED"
	StatusCancelled        Status = "CANCELLED" // an extension: its run was cancelled
)

// RunGraph is the states of a run and how they follow one another.
type RunGraph struct {
	Graph   string
	Roots   []string // state IDs
	States  []StateNode
	Edges   []Edge
	Summary map[Status]int
}

// StateNode is a state as a node of a [RunGraph].
type StateNode struct {
	ID         string
	Node       string
	Identifier string
	Status     Status
	Error      string
}

// Edge says that the state Target was made from the state Source.
type Edge struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

// State is a state in full.
type State struct {
	ID         string
	Node       string
	Identifier string
	Graph      string
	RunID      string
	Status     Status
	Inputs     Object
	Outputs    Object
	Error      string
	Data       json.RawMessage // what the node pruned with, where the state manager says
	Parents    []Parent        // in order of ancestry; the last is the direct parent
	Attempt    int             // where the state manager says
	Place      []int           // among the states below its direct parent, where the state manager says: protocol.md §8
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Parent is a state that another descends from.
type Parent struct {
	Identifier string
	StateID    string
}

// NodeInfo is a registered node.
type NodeInfo struct {
	NodeSpec
	Namespace        string
	Runtime          string
	RuntimeNamespace string
	CreatedAt        time.Time
	UpdatedAt        time.Time
}
