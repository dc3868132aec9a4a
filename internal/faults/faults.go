// Package faults makes calls to a state manager go wrong on purpose: by a
// script, or by a seed. [Provider] stands in front of any
// transport.Provider, [RoundTripper] in front of a network; both take the
// same [Plan]s.
package faults

import (
	"errors"
	"strconv"
	"time"
)

// A Kind is a way for a call to go wrong.
type Kind uint8

const (
	None       Kind = iota
	DropBefore      // the call is not made, and fails without an answer
	DropAfter       // the call is made, and its answer lost
	DropPart        // of a call with several reports the first half is made, and the answer lost; else DropAfter
	Refuse          // the call is not made, and answered Status
	Truncate        // the call is made, and its answer cut off in the middle
	Garbage         // the call is made, and its answer replaced by random bytes
	HTML            // the call is made, and its answer replaced by a page, with status 200
	Huge            // the call is made, and its answer replaced by one of more than 16 MiB
	Duplicate       // the call is made twice; the second answer counts
	Reorder         // the call waits until a later one of the same operation is over, at most for a second
	kinds           // how many there are
)

var kindNames = [kinds]string{
	"none", "drop before", "drop after", "drop part", "refuse", "truncate", "garbage", "HTML", "huge", "duplicate", "reorder",
}

// String names the kind.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// A Fault is what happens to one call. The zero Fault lets it pass.
type Fault struct {
	Kind       Kind
	Delay      time.Duration // before the call; the end of its context ends the wait, and the call is not made
	Late       time.Duration // after the call; the end of its context ends the wait, and the answer is lost
	Status     int           // of Refuse; 0 is 503
	RetryAfter time.Duration // of Refuse: how long callers are asked to wait
}

// ErrInjected is the cause of every error without an answer that this package
// makes.
var ErrInjected = errors.New("injected fault")

// The names of operations in a [Plan]. Others are the Op of transport.Error,
// such as "graph" and "run".
const (
	Register  = "register"
	Claim     = "claim"
	Report    = "report"
	Secrets   = "secrets"
	Heartbeat = "heartbeat"
)
