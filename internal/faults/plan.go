package faults

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// A Plan returns the fault of the n-th call of an operation, counted from 1. It
// must be safe for concurrent use.
type Plan func(op string, n int) Fault

// Clear is the plan without faults.
func Clear(string, int) Fault { return Fault{} }

// On is the plan that gives fault f to the calls of op with these numbers, or
// to all calls of op if there are no numbers.
func On(op string, f Fault, numbers ...int) Plan {
	return func(o string, n int) Fault {
		if o == op && (len(numbers) == 0 || slices.Contains(numbers, n)) {
			return f
		}
		return Fault{}
	}
}

// First is the plan that gives fault f to the first k calls of op.
func First(op string, k int, f Fault) Plan {
	return func(o string, n int) Fault {
		if o == op && n <= k {
			return f
		}
		return Fault{}
	}
}

// Any is the plan that asks each of plans in turn and takes the first fault.
func Any(plans ...Plan) Plan {
	return func(op string, n int) Fault {
		for _, p := range plans {
			if f := p(op, n); f != (Fault{}) {
				return f
			}
		}
		return Fault{}
	}
}

// Rates are the probabilities (0 to 1) with which calls go wrong.
type Rates struct {
	Kinds    map[Kind]float64
	Delay    float64       // of a delay, before or after the call
	MaxDelay time.Duration // the longest delay
	Ops      []string      // the operations that go wrong; empty means all
}

// Seeded is a plan of random faults. The same seed gives the same faults.
func Seeded(seed uint64, r Rates) Plan {
	return func(op string, n int) Fault {
		if len(r.Ops) > 0 && !slices.Contains(r.Ops, op) {
			return Fault{}
		}
		h := fnv.New64a()
		_, _ = h.Write([]byte(op))
		dice := rand.New(rand.NewPCG(seed, h.Sum64()+uint64(n)))
		var f Fault
		drawn := dice.Float64()
		for k := range kinds {
			if drawn -= r.Kinds[k]; drawn < 0 {
				f.Kind = k
				break
			}
		}
		if f.Kind == Refuse {
			refusals := []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable}
			f.Status = refusals[dice.IntN(len(refusals))]
			if f.Status == http.StatusTooManyRequests {
				f.RetryAfter = time.Duration(dice.IntN(5)) * time.Second
			}
		}
		if dice.Float64() < r.Delay && r.MaxDelay > 0 {
			if d := time.Duration(dice.Int64N(int64(r.MaxDelay))); dice.IntN(2) == 0 {
				f.Delay = d
			} else {
				f.Late = d
			}
		}
		return f
	}
}
