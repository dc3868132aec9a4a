package exo

import "errors"

// Errors of this package. Match them with [errors.Is]. Errors of calls to the
// state manager are in [github.com/exospherehost/exo-go/exo/transport].
var (
	// ErrDrainTimeout means that nodes were still executing, or outcomes still
	// unreported, when [WithDrainTimeout] had passed.
	ErrDrainTimeout = errors.New("exo: drain timeout")

	// ErrRuntimeClosed means that Run was called a second time, or after
	// Shutdown.
	ErrRuntimeClosed = errors.New("exo: runtime closed")

	// ErrLeaseLost is the cause of the context of a node whose state the
	// runtime no longer holds: its lease ended, or its run was cancelled.
	ErrLeaseLost = errors.New("exo: lease lost")

	// ErrRunStuck means that a join will never run although nothing that it
	// waits for has failed. This happens where the state manager decides joins
	// only when a branch arrives (docs/differences.md).
	ErrRunStuck = errors.New("exo: run is stuck")

	// ErrValidationTimeout means that the state manager had not validated a
	// graph when [WithValidationTimeout] had passed.
	ErrValidationTimeout = errors.New("exo: validation timeout")
)
