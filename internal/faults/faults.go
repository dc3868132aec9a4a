// Package faults injects faults into calls to a state manager, by script or by
// seed. [Provider] wraps a transport.Provider, [RoundTripper] a network; both
// take the same [Plan]s.
package faults

import (
	"errors"
	"strconv"
	"time"
)

// A Kind is a way in which a call goes wrong.
type Kind uint8

const (
	None       Kind = iota
	DropBefore      // the call is not made, and fails without a response
	DropAfter       // the call is made, and its response is lost
	DropPart        // of a call with several reports only the first half is made, and the response is lost; else DropAfter
	Refuse          // the call is not made, and the response has Status
	Truncate        // the call is made, and its response is cut off in the middle
	Garbage         // the call is made, and its response is replaced by random bytes
	HTML            // the call is made, and its response is replaced by an HTML page with status 200
	Huge            // the call is made, and its response is replaced by one of more than 16 MiB
	Duplicate       // the call is made twice; the second response counts
	Reorder         // the call waits until a later call of the same operation has ended, at most for a second
	kinds           // number of kinds
)

var kindNames = [kinds]string{
	"none", "drop before", "drop after", "drop part", "refuse", "truncate", "garbage", "HTML", "huge", "duplicate", "reorder",
}

// String returns the name of the kind.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// A Fault is what happens to one call. The zero Fault lets it pass.
type Fault struct {
	Kind       Kind
	Delay      time.Duration // before the call; if its context ends during the delay, the call is not made
	Late       time.Duration // after the call; if its context ends during the delay, the response is lost
	Status     int           // of Refuse; 0 means 503
	RetryAfter time.Duration // of Refuse: how long callers are asked to wait
}

// ErrInjected is the cause of every error of this package that stands for a
// missing response.
var ErrInjected = errors.New("injected fault")

// Names of operations in a [Plan]. Other operations are named by the Op of
// transport.Error, such as "graph" and "run".
const (
	Register  = "register"
	Claim     = "claim"
	Report    = "report"
	Secrets   = "secrets"
	Heartbeat = "heartbeat"
)
