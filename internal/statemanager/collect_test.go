package statemanager_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// branches is the list of branches in the input of a state, in short.
func branches(t *testing.T, s transport.Claimed) string {
	t.Helper()
	var inputs struct{ A string }
	if err := json.Unmarshal(s.Inputs, &inputs); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for text := range strings.SplitSeq(inputs.A, "|") {
		var list []struct {
			Index                      int
			Step, Status, Value, Error string
		}
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var line []string
		for i, b := range list {
			if b.Index != i {
				t.Errorf("branch %d has the index %d", i, b.Index)
			}
			line = append(line, strings.TrimSpace(fmt.Sprintf("%s %s %s%s", b.Step, b.Status, b.Value, b.Error)))
		}
		lines = append(lines, strings.Join(line, ", "))
	}
	return strings.Join(lines, "\n")
}

func failed(why string) transport.Errored { return transport.Errored{Message: why, Permanent: true} }

// Lists of branches have an entry for each, and so line up where one ended before
// a later step, whatever became of it and whenever.
func TestBranches(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{
		step("root", "split"), step("split", "work"), step("work", "last"), step("last", "join"),
		with(unite(step("join"), "root", allDone), "${{ work.branches.o }}|${{ last.branches.o }}|${{ split.branches.o }}"),
	}, Retry: retries(1)})
	b.run()
	b.do("root", outputs("x"))
	b.do("split", outputs("0", "1", "2", "3"))
	work := b.claimN(4)
	b.report(work[3], outputs("w3"))
	b.report(work[2], transport.Pruned{Data: map[string]any{"why": "no"}})
	b.report(work[1], failed("broken"))
	b.report(work[0], transport.Errored{})
	b.now = b.now.Add(retries(1).Backoff)
	last := b.claim("last")
	b.do("work", outputs("w0"))
	b.do("last", outputs("l0"))
	b.report(last, failed(strings.Repeat("é", 2000)))
	want := "work SUCCESS w0, work ERRORED broken, work PRUNED, work SUCCESS w3\n" +
		"last SUCCESS l0, work ERRORED broken, work PRUNED, last ERRORED " + strings.Repeat("é", 510) + "…\n" +
		"split SUCCESS 0, split SUCCESS 1, split SUCCESS 2, split SUCCESS 3"
	if got := branches(t, b.do("join", outputs("x"))); got != want {
		t.Errorf("the join reads\n%s\nwant\n%s", got, want)
	}
}

// A branch on whose way a join could not run ends there.
func TestBranchesOfJoins(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{
		step("root", "split"), step("split", "work"), step("work", "inner"),
		unite(step("inner", "after"), "split", allSuccess), step("after", "join"),
		with(unite(step("join"), "root", allDone), "${{ inner.branches.o }}|${{ after.branches.o }}|${{ work.branches.o }}"),
	}})
	b.run()
	b.do("root", outputs("x"))
	b.do("split", outputs("0", "1", "2"))
	work := b.claimN(3)
	b.report(work[1], failed("broken"))
	b.report(work[2], outputs("w2"))
	b.report(work[0], outputs("w0"))
	inner := b.claimN(2)
	b.report(inner[0], outputs("third"))
	b.report(inner[1], outputs("first"))
	after := b.claimN(2)
	b.report(after[0], transport.Pruned{})
	b.report(after[1], outputs("end"))
	got := branches(t, b.do("join", outputs("x")))
	const notRun = "inner  the join did not run, because a branch that it waits for failed"
	want := "inner SUCCESS first, " + notRun + ", inner SUCCESS third\n" +
		"after SUCCESS end, " + notRun + ", after PRUNED\n" +
		"work SUCCESS w0, work ERRORED broken, work SUCCESS w2"
	if got != want {
		t.Errorf("the join reads\n%s\nwant\n%s", got, want)
	}
}

// A join that runs anew after a manual retry reads what became of the retry.
func TestBranchesAfterManualRetry(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "work"), step("work", "join"), with(unite(step("join"), "root", allDone), "${{ work.branches.o }}"))
	run := b.run()
	b.do("root", outputs("x"))
	b.do("work", failed("broken"))
	if got := branches(t, b.do("join", outputs("x"))); got != "work ERRORED broken" {
		t.Errorf("the join reads %s", got)
	}
	_, states := b.states(run)
	b.again(states[1].ID, "again", false)
	b.do("work", outputs("w"))
	if got := branches(t, b.do("join", outputs("x"))); got != "work SUCCESS w" {
		t.Errorf("after the retry the join reads %s", got)
	}
}

// Branches of no step between are refused, and all of them by the reference's
// rules.
func TestBranchesRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		input, want string
		options     statemanager.Options
	}{
		"of the anchor": {"${{ root.branches.o }}", "root is not between root and join", statemanager.Options{}},
		"of a stranger": {"${{ nobody.branches.o }}", "nobody is not between root and join", statemanager.Options{}},
		"as reference":  {"${{ work.branches.o }}", "branches cannot be collected here", asReference},
	} {
		b := newBed(t, test.options)
		_, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{Nodes: []transport.Placement{
			step("root", "work"), step("work", "join"), with(unite(step("join"), "root", allDone), test.input),
		}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
