package statemanager_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// batch is how many states a benchmark claims and reports at a time.
const batch = 64

// cycle claims a batch and reports each of its states executed, and returns how
// many there were.
func (b *bed) cycle(o transport.Outcome) int {
	states := b.claimN(batch)
	for i := range states {
		if _, err := b.tell(states[i], o); err != nil {
			b.t.Fatalf("Report: %v", err)
		}
	}
	return len(states)
}

// BenchmarkCycle claims 64 states and reports 64: an operation is one state, with
// all that belongs to it, from being made to SUCCESS.
func BenchmarkCycle(b *testing.B) {
	const length = 20
	chain := func(first, second func(transport.Placement) transport.Placement) []transport.Placement {
		steps := []transport.Placement{first(step("s0", "s1"))}
		for i := 1; i < length; i++ {
			p := step(fmt.Sprintf("s%d", i))
			if i < length-1 {
				p.Next = []string{fmt.Sprintf("s%d", i+1)}
			}
			steps = append(steps, second(p))
		}
		return steps
	}
	plain := func(p transport.Placement) transport.Placement { return p }
	reading := func(p transport.Placement) transport.Placement {
		n, err := strconv.Atoi(p.Identifier[1:])
		if err != nil {
			panic(err)
		}
		return with(p, fmt.Sprintf("${{ s%d.outputs.o }}", n-1))
	}
	out := outputs("the output of a node")
	wide := transport.Executed{Outputs: []transport.Object{transport.Object(
		`{"a":"\"1\"","b":"\"2\"","c":"\"3\"","d":"\"4\"","e":"\"5\"","f":"\"6\"","g":"\"7\"","h":"\"8\"","i":"\"9\"","o":"0"}`)}}
	for _, c := range []struct {
		name   string
		second func(transport.Placement) transport.Placement
		out    transport.Outcome
	}{{"constant", plain, out}, {"reading", reading, out}, {"reading one of ten", reading, wide}} {
		b.Run(c.name, func(b *testing.B) {
			bed := newBed(b, statemanager.Options{KeepRuns: 1000})
			bed.steps(chain(plain, c.second)...)
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; {
				n := bed.cycle(c.out)
				if done += n; n < batch {
					bed.run()
				}
			}
		})
	}
}

// BenchmarkJoinArrival reports branches under a join: an operation is the report
// of one of them. It must cost the same however many branches there are.
func BenchmarkJoinArrival(b *testing.B) {
	for _, branches := range []int{10, 1000, 100_000} {
		b.Run(strconv.Itoa(branches), func(b *testing.B) {
			bed := newBed(b, statemanager.Options{KeepRuns: 1, KeepStates: 1})
			bed.steps(step("root", "split"), step("split", "work"), step("work", "join"),
				unite(step("join"), "root", transport.AllSuccess))
			many := outputs(make([]string, branches)...)
			out := outputs("x")
			var claimed []transport.Claimed
			b.ReportAllocs()
			for b.Loop() {
				if len(claimed) == 0 {
					b.StopTimer()
					claimed = bed.claimN(statemanager.MaxClaim)
					if len(claimed) == 0 || claimed[0].Identifier == "join" {
						for _, s := range claimed {
							bed.report(s, out)
						}
						bed.run()
						bed.do("root", out)
						bed.do("split", many)
						claimed = bed.claimN(statemanager.MaxClaim)
					}
					b.StartTimer()
				}
				if _, err := bed.tell(claimed[0], out); err != nil {
					b.Fatal(err)
				}
				claimed = claimed[1:]
			}
		})
	}
}

// BenchmarkFanOut reports one state with n outputs: an operation is one output,
// so that the figures show whether it is linear.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			bed := newBed(b, statemanager.Options{KeepRuns: 1, KeepStates: 1})
			bed.steps(step("split", "work"), with(step("work"), "${{ split.outputs.o }}"))
			many := make([]string, n)
			for i := range many {
				many[i] = fmt.Sprint(i)
			}
			out := outputs(many...)
			b.ReportAllocs()
			done := 0
			for b.Loop() {
				if done%n == 0 {
					b.StopTimer()
					bed.drain()
					bed.run()
					s := bed.claim("split")
					b.StartTimer()
					bed.report(s, out)
				}
				done++
			}
		})
	}
}

// BenchmarkTrigger starts runs: an operation is one.
func BenchmarkTrigger(b *testing.B) {
	bed := newBed(b, statemanager.Options{})
	bed.steps(step("root"))
	b.ReportAllocs()
	for b.Loop() {
		bed.run()
	}
}

// BenchmarkCollect ends the last branch of a join that collects n outputs, which
// were made in the order of the branches or in any: an operation is one output.
func BenchmarkCollect(b *testing.B) {
	const n = 50_000
	for _, shuffled := range []bool{false, true} {
		b.Run(fmt.Sprintf("shuffled=%t", shuffled), func(b *testing.B) {
			bed := newBed(b, statemanager.Options{KeepRuns: 1, KeepStates: 1})
			bed.steps(step("root", "split"), step("split", "work"), step("work", "up"), step("up", "join"),
				with(unite(step("join"), "root", transport.AllSuccess), "${{ up.outputs.o }}"))
			many, out := outputs(make([]string, n)...), outputs("x")
			random := rand.New(seeded(1))
			all := func() (states []transport.Claimed) {
				for len(states) < n {
					states = append(states, bed.claimN(statemanager.MaxClaim)...)
				}
				if shuffled {
					random.Shuffle(n, func(i, j int) { states[i], states[j] = states[j], states[i] })
				}
				return states
			}
			done := 0
			for b.Loop() {
				if done%n == 0 {
					b.StopTimer()
					bed.drain()
					bed.run()
					bed.do("root", out)
					bed.do("split", many)
					for _, s := range all() {
						bed.report(s, out)
					}
					ups := all()
					for _, s := range ups[1:] {
						bed.report(s, out)
					}
					b.StartTimer()
					bed.report(ups[0], out)
				}
				done++
			}
		})
	}
}
