package statemanager_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// OnChange is told every transition, in order, with the queue that it is about.
func TestOnChange(t *testing.T) {
	t.Parallel()
	var got []string
	names := make(map[string]string)
	b := newBed(t, statemanager.Options{OnChange: func(c statemanager.Change) {
		if names[c.StateID] == "" {
			names[c.StateID] = fmt.Sprintf("s%d", len(names))
		}
		line := fmt.Sprintf("%s/%s %s %s>%s", c.Namespace, c.Node, names[c.StateID], c.From, c.To)
		if c.To == transport.StatusCreated {
			line += " " + c.Due.Sub(epoch).String()
		}
		if c.RunAtRest {
			line += " at rest"
		}
		got = append(got, line)
	}})
	b.register("far", node("F"))
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{
		step("a", "f"), {Node: "F", Namespace: "far", Identifier: "f", Next: []string{"j"}}, unite(step("j"), "a", allDone),
	}, Retry: retries(1)})
	want := func(lines ...string) {
		t.Helper()
		if diff := cmp.Diff(lines, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
		got = nil
	}
	run := b.trigger("g", transport.TriggerSpec{StartDelay: time.Second})
	want("ns/N s0 >CREATED 1s")
	b.now = b.now.Add(time.Second)
	s := b.claim("a")
	want("ns/N s0 CREATED>QUEUED")
	b.report(s, transport.Requeued{After: time.Second})
	want("ns/N s0 QUEUED>CREATED 2s")
	b.now = b.now.Add(time.Second)
	b.do("a", outputs("1", "2"))
	want("ns/N s0 CREATED>QUEUED", "ns/N s0 QUEUED>SUCCESS", "far/F s1 >CREATED 2s", "ns/N s2 >SUCCESS", "far/F s3 >CREATED 2s")
	far := func(o transport.Outcome) {
		t.Helper()
		s := b.Claim(b.now, "far", transport.ClaimRequest{Nodes: []string{"F"}, Max: 1})[0]
		if _, err := b.Report(b.now, "far", transport.Report{StateID: s.ID, Outcome: o}); err != nil {
			t.Fatal(err)
		}
	}
	far(transport.Errored{})
	want("far/F s1 CREATED>QUEUED", "far/F s1 QUEUED>RETRY_CREATED", "far/F s4 >CREATED 3s")
	far(transport.Pruned{})
	want("far/F s3 CREATED>QUEUED", "far/F s3 QUEUED>PRUNED", "ns/N s5 >CREATED 2s")
	b.now = b.now.Add(time.Second)
	b.do("j", outputs("x"))
	want("ns/N s5 CREATED>QUEUED", "ns/N s5 QUEUED>SUCCESS")
	far(transport.Errored{})
	want("far/F s4 CREATED>QUEUED", "far/F s4 QUEUED>ERRORED", "ns/N s6 >CREATED 3s")
	b.do("j", transport.Errored{Permanent: true})
	want("ns/N s6 CREATED>QUEUED", "ns/N s6 QUEUED>ERRORED at rest")
	b.again(b.last(run, "j").ID, "x", false)
	want("ns/N s6 ERRORED>RETRY_CREATED", "ns/N s7 >CREATED 3s")
	if err := b.CancelRun(b.now, "ns", run); err != nil {
		t.Fatal(err)
	}
	want("ns/N s7 CREATED>CANCELLED at rest")
}

// To tell of changes costs no allocation.
func TestChangesDoNotAllocate(t *testing.T) {
	measure := func(o statemanager.Options) float64 {
		b := newBed(t, o)
		b.steps(step("split", "work"), step("work"))
		b.run()
		b.do("split", outputs(make([]string, 5000)...))
		out := outputs("x")
		return testing.AllocsPerRun(1000, func() {
			s := b.claimN(1)
			if _, err := b.tell(s[0], out); err != nil {
				t.Fatal(err)
			}
		})
	}
	without := measure(statemanager.Options{})
	with := measure(statemanager.Options{OnChange: func(statemanager.Change) {}})
	if with > without {
		t.Errorf("%v allocations with OnChange, %v without", with, without)
	}
}
