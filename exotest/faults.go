package exotest

import (
	"fmt"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/faults"
)

// A Fault is a way for calls between a state manager and its users to go wrong.
type Fault struct {
	name  string
	ops   []string // that it is about
	plan  faults.Plan
	waits bool // it takes time
}

// WithFaults makes calls to the state manager go wrong. Of several faults of one
// call the first counts. The driver's own calls are spared, but not those of the
// nodes that it executes. Given more than once, the faults add up.
func WithFaults(f ...Fault) ManagerOption {
	return managerOption(func(c *managerConfig) { c.faults = append(c.faults, f...) })
}

// DropBefore loses calls of an operation (see [StateManager.FailNext]) on their
// way to the state manager: those of these numbers, counted from 1, or all.
func DropBefore(op string, calls ...int) Fault {
	return scripted("DropBefore", op, faults.Fault{Kind: faults.DropBefore}, calls)
}

// DropAfter loses responses: the call is made, and its caller does not get to know.
func DropAfter(op string, calls ...int) Fault {
	return scripted("DropAfter", op, faults.Fault{Kind: faults.DropAfter}, calls)
}

// Late delays responses by d. It is for bubbles.
func Late(op string, d time.Duration, calls ...int) Fault {
	f := scripted("Late", op, faults.Fault{Late: d}, calls)
	f.waits = true
	return f
}

// Refuse fails calls with an HTTP status, such as 503. They are not made.
func Refuse(op string, status int, calls ...int) Fault {
	return scripted("Refuse", op, faults.Fault{Kind: faults.Refuse, Status: status}, calls)
}

func scripted(name, op string, f faults.Fault, calls []int) Fault {
	return Fault{name: name, ops: []string{op}, plan: faults.On(op, f, calls...)}
}

// RandomFaults makes calls of these operations, or of all, go wrong with a
// probability from 0 to 1: calls and responses are lost, refused, late, or made
// twice. The same seed makes the same calls go wrong. It is for bubbles.
func RandomFaults(seed uint64, probability float64, ops ...string) Fault {
	const kinds = 5
	each := probability / kinds
	return Fault{
		name: "RandomFaults", ops: ops, waits: true,
		plan: faults.Seeded(seed, faults.Rates{
			Kinds: map[faults.Kind]float64{faults.DropBefore: each, faults.DropAfter: each, faults.Refuse: each, faults.Duplicate: each},
			Delay: each, MaxDelay: time.Second, Ops: ops,
		}),
	}
}

// withFaults puts the faults of the configuration before a state manager.
func (m *StateManager) withFaults(sm transport.Provider) transport.Provider {
	if len(m.config.faults) == 0 {
		return sm
	}
	plans := make([]faults.Plan, len(m.config.faults))
	for i, f := range m.config.faults {
		plans[i] = f.plan
	}
	return faults.New(sm, faults.Any(plans...))
}

// check is an error for operations that there are not, which would never go wrong,
// and for what needs a bubble where there is none.
func (f *Fault) check(bubble bool) error {
	if f.waits && !bubble {
		return fmt.Errorf("%s takes time that passes by itself: use exotest.Bubble", f.name)
	}
	for _, op := range f.ops {
		if !slices.Contains(operations, op) {
			return fmt.Errorf("%s: there is no operation %q; those that there are: %q", f.name, op, operations)
		}
	}
	return nil
}
