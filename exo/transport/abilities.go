package transport

import (
	"context"
	"time"
)

// Optional interfaces of a [Transport], found by type assertion. The HTTP
// transport implements all of them and returns [ErrUnsupported] where the state
// manager lacks the ability.
type (
	// Heartbeater extends leases to at least lease from now. lost lists the
	// states that the caller no longer holds.
	Heartbeater interface {
		Heartbeat(ctx context.Context, leases map[string]string, lease time.Duration) (lost []string, err error)
	}

	// BatchReporter says how many reports one call to the state manager carries
	// now: 1 if each report is a call of its own. A runtime then passes one
	// report at a time to Report, in many calls at once, so that none waits for
	// the response to another. Without this interface a runtime assumes large
	// batches.
	BatchReporter interface {
		ReportBatch() int
	}

	// StoreBackend reads and writes the store of the run to which a state
	// belongs.
	StoreBackend interface {
		StoreAll(ctx context.Context, stateID string) (map[string]string, error)
		StoreGet(ctx context.Context, stateID, key string) (value string, ok bool, err error)
		StoreSet(ctx context.Context, stateID, key, value string) error

		// StoreSwap sets key only if its current value is old; nil means no
		// value.
		StoreSwap(ctx context.Context, stateID, key string, old *string, value string) (swapped bool, err error)
		StoreDelete(ctx context.Context, stateID, key string) error
	}

	// Canceler cancels a run: its CREATED and QUEUED states become CANCELLED.
	Canceler interface {
		CancelRun(ctx context.Context, runID string) error
	}

	// RunReader reads a run by its ID.
	RunReader interface {
		// RunInfo reads the current counts of the run, without its states.
		RunInfo(ctx context.Context, runID string) (RunInfo, error)

		// Run reads the run and all of its states, in order of creation, after the
		// run is terminal or wait has passed. After a positive wait, a run that is
		// still pending is returned without states: a caller that waits for the end
		// has no use for them.
		Run(ctx context.Context, runID string, wait time.Duration) (RunInfo, []State, error)
	}

	// TriggerCanceler removes the cron triggers of a graph.
	TriggerCanceler interface {
		CancelTriggers(ctx context.Context, graph string) (cancelled int, err error)
	}

	// Extender lists the extensions of the protocol that the state manager has.
	Extender interface {
		Extensions(ctx context.Context) ([]Extension, error)
	}

	// NamespaceLister lists the namespaces of a state manager that hold nodes,
	// graphs or runs. A [Provider] may implement it.
	NamespaceLister interface {
		Namespaces(ctx context.Context) ([]string, error)
	}
)

// Extension is the name of an addition to the protocol that a state manager may
// have (protocol.md §13).
type Extension string

const (
	ExtensionWait    Extension = "wait"    // claims wait on the server
	ExtensionLease   Extension = "lease"   // claims expire without heartbeats
	ExtensionReport  Extension = "report"  // many reports per call
	ExtensionStore   Extension = "store"   // nodes read and write the run's store
	ExtensionRun     Extension = "run"     // a run and its states in one call
	ExtensionCancel  Extension = "cancel"  // runs can be cancelled
	ExtensionAttempt Extension = "attempt" // states carry their run, graph and attempt
	ExtensionCollect Extension = "collect" // joins read the outputs of their branches
)
