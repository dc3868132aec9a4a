package faults

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// A Plan says what happens to the n-th call of an operation, counted from 1. It
// may be asked by several goroutines at once.
type Plan func(op string, n int) Fault

// Clear is the plan by which nothing goes wrong.
func Clear(string, int) Fault { return Fault{} }

// On gives the calls of op that have one of the numbers, or all of them without
// any, the fault f.
func On(op string, f Fault, numbers ...int) Plan {
	return func(o string, n int) Fault {
		if o == op && (len(numbers) == 0 || slices.Contains(numbers, n)) {
			return f
		}
		return Fault{}
	}
}

// First gives the first k calls of op the fault f.
func First(op string, k int, f Fault) Plan {
	return func(o string, n int) Fault {
		if o == op && n <= k {
			return f
		}
		return Fault{}
	}
}

// Any is the fault of the first plan that has one.
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

// Rates are the probabilities, 0 to 1, with which calls go wrong.
type Rates struct {
	Kinds    map[Kind]float64
	Delay    float64       // of a delay, before the call or after it
	MaxDelay time.Duration // the longest
	Ops      []string      // the operations that go wrong; none: all
}

// Seeded is a plan of faults at random: always the same for the same seed.
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
