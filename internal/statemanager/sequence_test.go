package statemanager_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// TestCallSequences makes random calls, sensible or not, of two engines with the
// same seed. After each call everything that is kept up to date is compared with
// what it would be if it were counted anew, and at the end both engines must
// have told the same.
func TestCallSequences(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := sequenceOptions{
			lease: time.Duration(rapid.IntRange(0, 1).Draw(t, "default lease")) * 5 * time.Second,
			keep:  rapid.IntRange(0, 2).Draw(t, "keep"),
			rules: statemanager.Rules{AsReference: rapid.IntRange(0, 3).Draw(t, "reference") == 0},
		}
		a, b := newSequence(t, o), newSequence(t, o)
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			call := a.draw(t)
			a.log.WriteString(call(a))
			b.log.WriteString(call(b))
			if err := statemanager.Check(a.Engine); err != nil {
				t.Fatalf("%v\nafter\n%s", err, a.log.String())
			}
		}
		a.tellAll()
		b.tellAll()
		if a.log.String() != b.log.String() {
			t.Fatalf("the same calls gave\n%s\nand\n%s", a.log.String(), b.log.String())
		}
	})
}

type sequenceOptions struct {
	lease time.Duration
	keep  int
	rules statemanager.Rules
}

// A sequence is an engine, and what is known of it to those who call.
type sequence struct {
	*bed
	log    strings.Builder
	runs   []string
	states []transport.Claimed // that were ever claimed
	ended  map[string]bool     // runs that OnChange has told to be at rest
}

func newSequence(t *rapid.T, o sequenceOptions) *sequence {
	s := &sequence{ended: make(map[string]bool)}
	s.bed = newBed(t, statemanager.Options{
		Rand: seeded(7), DefaultLease: o.lease, KeepRuns: o.keep, Rules: o.rules,
		OnChange: func(c statemanager.Change) { s.log.WriteString(said(c)); s.ended[c.RunID] = c.RunAtRest },
	})
	s.register("far", node("F"))
	s.graph("chain", transport.GraphSpec{
		Nodes: []transport.Placement{
			step("a", "b"),
			{Node: "F", Namespace: "far", Identifier: "b", Next: []string{"c"}},
			with(step("c"), "${{ b.outputs.o }} ${{ store.k }}"),
		},
		Retry:    retries(2),
		Store:    transport.StoreConfig{DefaultValues: map[string]string{"k": "v"}},
		Triggers: []transport.CronTrigger{{Expression: "*/7 * * * *"}},
	})
	nested := []transport.Placement{
		step("root", "split", "leaf"), step("leaf"), step("split", "work"), step("work", "inner"),
		unite(step("inner", "outer"), "split", transport.AllDone),
		with(unite(step("outer", "last"), "root", transport.AllSuccess), "${{ work.outputs.o }}"),
		unite(step("last"), "root", transport.AllDone),
	}
	if o.rules.AsReference {
		nested[5] = with(nested[5], "${{ root.outputs.o }}")
	}
	s.graph("nested", transport.GraphSpec{Nodes: nested, Retry: retries(1)})
	return s
}

// draw draws a call. It returns what was answered.
func (s *sequence) draw(t *rapid.T) func(*sequence) string {
	pick := func(n int) int { return rapid.IntRange(0, max(0, n-1)).Draw(t, "which") }
	which, lease := pick(len(s.states)), time.Duration(rapid.IntRange(0, 3).Draw(t, "lease"))*2*time.Second
	state := func(s *sequence) transport.Claimed {
		if len(s.states) == 0 {
			return transport.Claimed{ID: "000000000000000000000000"}
		}
		return s.states[which]
	}
	run := pick(len(s.runs))
	runID := func(s *sequence) string {
		if len(s.runs) == 0 {
			return "none"
		}
		return s.runs[run]
	}
	ns := rapid.SampledFrom([]string{"ns", "ns", "ns", "far", "nowhere"}).Draw(t, "ns")
	switch rapid.SampledFrom([]string{
		"trigger", "trigger", "claim", "claim", "claim", "claim", "report", "report", "report", "report", "report",
		"again", "time", "time", "heartbeat", "retry", "cancel", "store", "secrets", "register", "graph", "triggers",
	}).Draw(t, "call") {
	case "trigger":
		graph := rapid.SampledFrom([]string{"chain", "nested", "nested"}).Draw(t, "graph")
		delay := time.Duration(rapid.IntRange(0, 1).Draw(t, "delay")) * time.Minute
		return func(s *sequence) string {
			id, err := s.Trigger(s.now, "ns", graph, transport.TriggerSpec{StartDelay: delay})
			if err == nil {
				s.runs = append(s.runs, id)
			}
			return said(id, err)
		}
	case "claim":
		n := rapid.IntRange(-1, 5).Draw(t, "max")
		nodes := []string{"N", "NA", "F", "none"}
		return func(s *sequence) string {
			states := s.Claim(s.now, ns, transport.ClaimRequest{Nodes: nodes, Max: n, Lease: lease})
			s.states = append(s.states, states...)
			return said(states)
		}
	case "report":
		o := drawAnyOutcome(t)
		newest := rapid.Bool().Draw(t, "newest")
		return func(s *sequence) string {
			if newest && len(s.states) > 0 { // most others have been reported on
				which = len(s.states) - 1
			}
			st := state(s)
			r, err := s.Report(s.now, rapidNamespace(st, ns), transport.Report{StateID: st.ID, Token: st.Token, Outcome: o})
			return said(r, err)
		}
	case "again":
		o := drawAnyOutcome(t)
		return func(s *sequence) string {
			st := state(s)
			r := transport.Report{StateID: st.ID, Token: st.Token, Outcome: o}
			rs, errs := s.ReportAll(s.now, rapidNamespace(st, ns), []transport.Report{r, r})
			if errs[0] == nil && errs[1] == nil && rs[0] != rs[1] {
				s.t.Fatalf("the same report twice: %v and %v", rs[0], rs[1])
			}
			if _, requeued := o.(transport.Requeued); errs[0] == nil && errs[1] != nil && !requeued {
				s.t.Fatalf("the same report again: %v", errs[1])
			}
			return said(rs, errs)
		}
	case "time":
		d := time.Duration(rapid.IntRange(-1, 300).Draw(t, "seconds")) * time.Second
		return func(s *sequence) string {
			s.now = s.now.Add(d)
			s.Advance(s.now)
			if at, ok := s.NextEvent(); ok && !at.After(s.now) && d > 0 {
				s.t.Fatalf("the next event is at %s, it is %s", at, s.now)
			}
			at, ok := s.NextDue("ns", []string{"N", "NA"})
			return said(at, ok)
		}
	case "heartbeat":
		return func(s *sequence) string {
			leases := make(map[string]string)
			for _, st := range s.states {
				leases[st.ID] = st.Token
			}
			return said(s.Heartbeat(s.now, ns, leases, lease))
		}
	case "retry":
		force := rapid.Bool().Draw(t, "force")
		id := strconv.Itoa(rapid.IntRange(0, 9).Draw(t, "fanout"))
		return func(s *sequence) string {
			id, err := s.Retry(s.now, "ns", state(s).ID, id, force)
			return said(id, err)
		}
	case "cancel":
		return func(s *sequence) string { return said(s.CancelRun(s.now, "ns", runID(s))) }
	case "store":
		return func(s *sequence) string {
			id := state(s).ID
			err := s.StoreSet(s.now, ns, id, "x", "y")
			err2 := s.StoreDelete(s.now, ns, id, "k")
			all, err3 := s.StoreAll(ns, id)
			return said(err, err2, all, err3)
		}
	case "secrets":
		return func(s *sequence) string {
			secrets, err := s.Secrets(s.now, ns, state(s).ID)
			return said(secrets, err)
		}
	case "register":
		n := node("N")
		if rapid.Bool().Draw(t, "changed") {
			n.Secrets = []string{"s"} // the graphs have none: they become INVALID
		}
		return func(s *sequence) string {
			err := s.Register(s.now, "ns", "other", []transport.NodeSpec{n})
			return said(err, s.Graphs("ns"))
		}
	case "graph":
		return func(s *sequence) string {
			g, err := s.PutGraph(s.now, "ns", "chain", transport.GraphSpec{Nodes: []transport.Placement{step("only")}})
			return said(g, err)
		}
	}
	return func(s *sequence) string {
		n, err := s.CancelTriggers(s.now, "ns", "chain")
		return said(n, err)
	}
}

// rapidNamespace is mostly the namespace of a state's node.
func rapidNamespace(st transport.Claimed, ns string) string {
	if st.Node == "F" && ns == "ns" {
		return "far"
	}
	return ns
}

func drawAnyOutcome(t *rapid.T) transport.Outcome {
	switch rapid.IntRange(0, 9).Draw(t, "outcome") {
	case 0:
		return transport.Pruned{Data: map[string]any{"why": 1}}
	case 1:
		return transport.Errored{Message: "no", Permanent: true}
	case 2:
		return transport.Errored{Message: "no"}
	case 3:
		return transport.Requeued{After: time.Duration(rapid.IntRange(0, 2).Draw(t, "after")) * time.Second}
	case 4:
		return outputs("1", "2", "3")
	case 5:
		return transport.Executed{}
	case 6:
		return transport.Executed{Outputs: []transport.Object{transport.Object(`{"o":1}`), transport.Object(`{"o":"2"}`)}}
	case 7:
		return transport.Executed{Outputs: []transport.Object{transport.Object(`{"o":`)}}
	}
	return outputs("x")
}

// said is values as a line of JSON, errors as their text.
func said(values ...any) string {
	var line strings.Builder
	for _, v := range values {
		switch e := v.(type) {
		case error:
			v = e.Error()
		case []error:
			v = fmt.Sprint(e)
		}
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		line.Write(text)
		line.WriteByte(' ')
	}
	return line.String() + "\n"
}

// tellAll writes everything that can be read into the log.
func (s *sequence) tellAll() {
	page, err := s.Runs("ns", 1, 1000)
	s.log.WriteString(said(page, err))
	for _, r := range page.Runs {
		info, states := s.bed.states(r.ID)
		graph, err := s.RunGraph("ns", r.ID)
		s.log.WriteString(said(info, states, graph, err))
		atRest, err := s.AtRest("ns", r.ID)
		if err != nil || atRest != s.ended[r.ID] {
			s.t.Fatalf("run %s: at rest is %t (%v), OnChange said %t", r.ID, atRest, err, s.ended[r.ID])
		}
		if pending := r.Status == transport.RunPending; pending == atRest && r.Status != transport.RunCancelled {
			s.t.Fatalf("run %s is %s, at rest %t", r.ID, r.Status, atRest)
		}
	}
	s.log.WriteString(said(s.Nodes("ns"), s.Graphs("ns"), s.Namespaces()))
}
