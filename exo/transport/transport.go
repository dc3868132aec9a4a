// Package transport defines the interfaces between the SDK and a state manager.
//
// Everything above this package uses these interfaces. [HTTP] implements them
// over the network, exo/local with a state manager in this process, and exotest
// with one for tests. transporttest.Run checks any other implementation.
package transport

import "encoding/json"

// A Provider is a reachable state manager. It returns the [Transport] of each
// of its namespaces. It is safe for concurrent use. Keep a Transport instead of
// asking for it again: it may remember state, such as what the state manager
// can do.
type Provider interface {
	Namespace(name string) Transport
}

// Transport holds the calls of one namespace. Abilities that not every state
// manager has are optional interfaces, found by type assertion: see
// [Heartbeater], [BatchReporter], [StoreBackend], [Canceler], [RunReader],
// [TriggerCanceler] and [Extender].
type Transport interface {
	Worker
	Control
}

// Object is a JSON object: the inputs of a state, or one of its outputs. In the
// v1 data model all of its members are strings. It stays encoded until its node
// decodes it, so that one malformed state cannot spoil the batch that it was
// claimed in.
type Object = json.RawMessage
