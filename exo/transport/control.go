package transport

import (
	"context"
	"encoding/json"
	"time"
)

// Control holds the calls of clients. Methods are safe for concurrent use. What
// they read encodes to JSON by the names of the protocol (protocol.md §4), with
// times by RFC 3339.
type Control interface {
	// PutGraph writes a graph. The Status returned may still be pending: read
	// the graph again until it is not.
	PutGraph(ctx context.Context, name string, g GraphSpec) (GraphInfo, error)
	Graph(ctx context.Context, name string) (GraphInfo, error)
	Trigger(ctx context.Context, graph string, t TriggerSpec) (runID string, err error)

	// Runs returns a page of the runs of the namespace, newest first. Pages are
	// numbered from 1.
	Runs(ctx context.Context, page, size int) (RunPage, error)
	RunGraph(ctx context.Context, runID string) (RunGraph, error)
	State(ctx context.Context, graph, runID, stateID string) (State, error)

	// Retry retries a state manually (protocol.md §10). Using the same fanoutID
	// again for a state of the same step and direct parent is [ErrConflict].
	Retry(ctx context.Context, stateID, fanoutID string) (newStateID string, err error)
	Nodes(ctx context.Context) ([]NodeInfo, error)
	Graphs(ctx context.Context) ([]GraphInfo, error)
}

// GraphSpec is a graph as a client writes it.
type GraphSpec struct {
	Nodes    []Placement
	Secrets  Secrets
	Retry    *RetryPolicy // nil means the state manager's default, [DefaultRetryPolicy]
	Store    StoreConfig
	Triggers []CronTrigger
}

// Placement is a node placed in a graph, called a step.
type Placement struct {
	Node       string            `json:"node_name"`
	Namespace  string            `json:"namespace"`
	Identifier string            `json:"identifier"`
	Inputs     map[string]string `json:"inputs"`
	Next       []string          `json:"next_nodes"`
	Unites     *Unites           `json:"unites"`
}

// Unites makes a placement a join: it runs once for each state of the placement
// Identifier, when everything that descends from that state is done.
type Unites struct {
	Identifier string        `json:"identifier"`
	Strategy   UniteStrategy `json:"strategy"`
}

// UniteStrategy says what a join waits for.
type UniteStrategy string

const (
	AllSuccess UniteStrategy = "ALL_SUCCESS" // every branch has succeeded or was pruned; the default
	AllDone    UniteStrategy = "ALL_DONE"    // every branch has ended, in whatever way
)

// RetryPolicy says when failed states are retried (protocol.md §10).
type RetryPolicy struct {
	MaxRetries int
	Strategy   RetryStrategy
	Backoff    time.Duration // at least one millisecond
	Exponent   int
	MaxDelay   time.Duration // 0 means no limit
}

// DefaultRetryPolicy returns the policy of a graph without one: 3 retries with
// exponential backoff from 2 seconds, without jitter.
func DefaultRetryPolicy() RetryPolicy {
	return RetryPolicy{MaxRetries: 3, Strategy: Exponential, Backoff: 2 * time.Second, Exponent: 2}
}

// RetryStrategy says how the delay grows from one attempt to the next, and how
// it is jittered.
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

// CronTrigger starts a run whenever the five-field cron Expression matches in
// Timezone, an IANA name or empty for UTC.
type CronTrigger struct {
	Expression string
	Timezone   string
}

// GraphInfo is a graph as stored by the state manager.
type GraphInfo struct {
	Name        string           `json:"name,omitempty"`
	Namespace   string           `json:"namespace,omitempty"`
	Nodes       []Placement      `json:"nodes"`
	SecretNames []string         `json:"secrets"`
	Retry       RetryPolicy      `json:"retry_policy"`
	Store       StoreConfig      `json:"store_config"`
	Triggers    []CronTrigger    `json:"triggers"`
	CreatedAt   time.Time        `json:"created_at,omitzero"`
	UpdatedAt   time.Time        `json:"updated_at,omitzero"`
	Status      ValidationStatus `json:"validation_status"`
	Errors      []string         `json:"validation_errors"` // why Status is [Invalid]

	// Version counts how often the graph was written, from 1. ServingVersion is
	// the version that new runs execute: this one, or an earlier one while this
	// one is [Invalid], or 0 if there is none. Both are 0 if the state manager
	// does not tell them, which takes an extension (protocol.md §13).
	Version        int `json:"version,omitempty"`
	ServingVersion int `json:"serving_version,omitempty"`
}

// ValidationStatus says whether runs of a graph can be started.
type ValidationStatus string

const (
	Pending ValidationStatus = "PENDING" // not yet checked
	Ongoing ValidationStatus = "ONGOING" // being checked
	Valid   ValidationStatus = "VALID"
	Invalid ValidationStatus = "INVALID"
)

// TriggerSpec holds the parameters of a run.
type TriggerSpec struct {
	Inputs     map[string]string // replace inputs of the root placement with the same names
	Store      map[string]string
	StartDelay time.Duration
}

// RunStatus is the status of a run.
type RunStatus string

const (
	RunPending   RunStatus = "PENDING"
	RunSuccess   RunStatus = "SUCCESS"
	RunFailed    RunStatus = "FAILED"
	RunCancelled RunStatus = "CANCELLED"
)

// RunInfo is a run with the number of its states by status.
type RunInfo struct {
	ID        string    `json:"run_id"`
	Graph     string    `json:"graph_name"`
	Status    RunStatus `json:"status"`
	Success   int       `json:"success_count"` // SUCCESS and PRUNED
	Pending   int       `json:"pending_count"` // CREATED, QUEUED and EXECUTED
	Errored   int       `json:"errored_count"` // ERRORED and NEXT_CREATED_ERROR
	Retried   int       `json:"retried_count"` // RETRY_CREATED
	Total     int       `json:"total_count"`
	CreatedAt time.Time `json:"created_at"`
}

// RunPage is a page of the runs of a namespace.
type RunPage struct {
	Total int       `json:"total"` // number of runs in the namespace
	Page  int       `json:"page"`
	Size  int       `json:"size"`
	Runs  []RunInfo `json:"runs"`
}

// Status is the status of a state (protocol.md §5).
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

// RunGraph holds the states of a run and which of them made which.
type RunGraph struct {
	Graph   string         `json:"graph_name"`
	Roots   []string       `json:"root_states"` // state IDs
	States  []StateNode    `json:"nodes"`
	Edges   []Edge         `json:"edges"`
	Summary map[Status]int `json:"execution_summary"`
}

// StateNode is a state as a node of a [RunGraph].
type StateNode struct {
	ID         string `json:"id"`
	Node       string `json:"node_name"`
	Identifier string `json:"identifier"`
	Status     Status `json:"status"`
	Error      string `json:"error"`
}

// Edge says that the state Source made the state Target.
type Edge struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

// State is a state in full.
type State struct {
	ID         string          `json:"id"`
	Node       string          `json:"node_name"`
	Identifier string          `json:"identifier"`
	Graph      string          `json:"graph_name"`
	RunID      string          `json:"run_id"`
	Status     Status          `json:"status"`
	Inputs     Object          `json:"inputs"`
	Outputs    Object          `json:"outputs"`
	Error      string          `json:"error"`
	Data       json.RawMessage `json:"data,omitempty"`  // what the node pruned with, if the state manager tells
	Parents    Parents         `json:"parents"`         // in order of ancestry; the last is the direct parent
	Attempt    int             `json:"attempt"`         // number of retries before it, if the state manager tells
	Place      []int           `json:"place,omitempty"` // its place among the states below its direct parent, if the state manager tells (protocol.md §8)
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

// Parent is an ancestor of a state.
type Parent struct {
	Identifier string
	StateID    string
}

// NodeInfo is a registered node.
type NodeInfo struct {
	NodeSpec
	Namespace        string    `json:"namespace"`
	Runtime          string    `json:"runtime_name"`
	RuntimeNamespace string    `json:"runtime_namespace"`
	CreatedAt        time.Time `json:"created_at"`
	UpdatedAt        time.Time `json:"updated_at"`
}
