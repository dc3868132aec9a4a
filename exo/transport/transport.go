// Package transport is the seam between the SDK and a state manager.
//
// Everything above this package is written against its interfaces: [HTTP]
// speaks to a state manager over the network, exo/local keeps one in this
// process, exotest has one for tests, and transporttest.Run checks any other.
package transport

import "encoding/json"

// A Provider is a state manager that can be reached. It gives the
// [Transport] of each of its namespaces. It is safe for concurrent use. Keep a
// Transport rather than ask for it again: it may remember things, such as what
// the state manager at the other end can do.
type Provider interface {
	Namespace(name string) Transport
}

// Transport is all that a state manager offers in one namespace. What not
// every state manager can do is found by type assertion: see [Heartbeater],
// [BatchReporter], [StoreBackend], [Canceler], [RunReader], [TriggerCanceler] and
// [Extender].
type Transport interface {
	Worker
	Control
}

// Object is a JSON object: the inputs of a state, or one of its outputs. By
// the v1 data model all of its members are strings. It stays encoded until the
// node that it belongs to decodes it, so that one malformed state cannot spoil
// the batch it was claimed in.
type Object = json.RawMessage
