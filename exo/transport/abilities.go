package transport

import (
	"context"
	"time"
)

// Optional abilities of a [Transport], found by type assertion. The HTTP
// transport has them all and answers [ErrUnsupported] where the state manager
// at the other end lacks one.
type (
	// Heartbeater keeps leases alive. lost are the states that are ours no more.
	Heartbeater interface {
		Heartbeat(ctx context.Context, leases map[string]string, lease time.Duration) (lost []string, err error)
	}

	// BatchReporter says how many reports one call to the state manager carries
	// now: 1 if each is a call of its own. A runtime then gives Report one at a
	// time, many times at once, so that none waits for the answer to another.
	// Without this ability it takes the state manager for one that can have many.
	BatchReporter interface {
		ReportBatch() int
	}

	// StoreBackend reads and writes the store of the run that a state belongs to.
	StoreBackend interface {
		StoreAll(ctx context.Context, stateID string) (map[string]string, error)
		StoreGet(ctx context.Context, stateID, key string) (value string, ok bool, err error)
		StoreSet(ctx context.Context, stateID, key, value string) error

		// StoreSwap sets key only if its value is old (nil: has none).
		StoreSwap(ctx context.Context, stateID, key string, old *string, value string) (swapped bool, err error)
		StoreDelete(ctx context.Context, stateID, key string) error
	}

	// Canceler ends a run: its CREATED and QUEUED states become CANCELLED.
	Canceler interface {
		CancelRun(ctx context.Context, runID string) error
	}

	// RunReader reads a run and all of its states in one call, once the run is
	// at rest or wait has passed. The states are in order of creation.
	RunReader interface {
		Run(ctx context.Context, runID string, wait time.Duration) (RunInfo, []State, error)
	}

	// TriggerCanceler removes the cron triggers of a graph.
	TriggerCanceler interface {
		CancelTriggers(ctx context.Context, graph string) (cancelled int, err error)
	}

	// Extender says which extensions of the protocol the state manager has.
	Extender interface {
		Extensions(ctx context.Context) ([]Extension, error)
	}

	// NamespaceLister lists the namespaces of a state manager that hold
	// anything. It is an ability of a [Provider].
	NamespaceLister interface {
		Namespaces(ctx context.Context) ([]string, error)
	}
)

// Extension names an addition to the protocol that a state manager may have
// (protocol.md §13).
type Extension string

const (
	ExtensionWait    Extension = "wait"    // claims wait on the server
	ExtensionLease   Extension = "lease"   // claims end without a heartbeat
	ExtensionReport  Extension = "report"  // many reports in one call
	ExtensionStore   Extension = "store"   // nodes read and write the run's store
	ExtensionRun     Extension = "run"     // a run and its states in one call
	ExtensionCancel  Extension = "cancel"  // runs can be cancelled
	ExtensionAttempt Extension = "attempt" // states say their run, graph and attempt
	ExtensionCollect Extension = "collect" // joins read the outputs of their branches
)
