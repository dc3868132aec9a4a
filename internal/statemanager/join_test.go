package statemanager_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

const (
	allSuccess = transport.AllSuccess
	allDone    = transport.AllDone
)

// fanned is root, split, work and a join on root. Its run has executed root, and
// split with three outputs.
func fanned(t *testing.T, o statemanager.Options, strategy transport.UniteStrategy, more ...transport.Placement) (*bed, string) {
	t.Helper()
	b := newBed(t, o)
	b.steps(append([]transport.Placement{
		step("root", "split"), step("split", "work"), step("work", "join"), unite(step("join"), "root", strategy),
	}, more...)...)
	run := b.run()
	b.do("root", outputs("r"))
	b.do("split", outputs("0", "1", "2"))
	return b, run
}

// A join runs when the last branch is done, whatever became of it last.
func TestJoinRunsWhenTheLastBranchIsDone(t *testing.T) {
	t.Parallel()
	ok, fail, prune := transport.Outcome(outputs("x")), transport.Outcome(transport.Errored{Message: "no"}), transport.Outcome(transport.Pruned{})
	for _, c := range []struct {
		name     string
		outcomes []transport.Outcome
		success  bool // ALL_SUCCESS runs
		status   transport.RunStatus
	}{
		{"ok,ok,ok", []transport.Outcome{ok, ok, ok}, true, transport.RunSuccess},
		{"ok,fail,ok", []transport.Outcome{ok, fail, ok}, false, transport.RunFailed},
		{"ok,ok,fail", []transport.Outcome{ok, ok, fail}, false, transport.RunFailed},
		{"ok,ok,prune", []transport.Outcome{ok, ok, prune}, true, transport.RunSuccess},
		{"prune,ok,ok", []transport.Outcome{prune, ok, ok}, true, transport.RunSuccess},
		{"all pruned", []transport.Outcome{prune, prune, prune}, true, transport.RunSuccess},
		{"all failed", []transport.Outcome{fail, fail, fail}, false, transport.RunFailed},
		{"fail,prune,prune", []transport.Outcome{fail, prune, prune}, false, transport.RunFailed},
	} {
		for _, strategy := range []transport.UniteStrategy{allSuccess, allDone} {
			t.Run(c.name+" "+string(strategy), func(t *testing.T) {
				t.Parallel()
				b, run := fanned(t, statemanager.Options{}, strategy)
				for i, o := range c.outcomes {
					b.wantStatus(run, transport.RunPending)
					b.do("work", o)
					if i < len(c.outcomes)-1 && b.info(run).Total != 7 {
						t.Fatalf("after branch %d: %s", i, b.story(run))
					}
				}
				if strategy == allDone || c.success {
					b.wantStatus(run, transport.RunPending)
					b.do("join", ok)
				}
				b.idle()
				b.wantStatus(run, c.status)
			})
		}
	}
}

// Branches that do not lead to the join count.
func TestJoinWaitsForLeaves(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "a", "b"), step("a", "join"), step("b", "leaf"), step("leaf"), unite(step("join"), "root", allSuccess))
	run := b.run()
	b.do("root", outputs("x"))
	b.do("a", outputs("x"))
	b.do("b", outputs("x"))
	b.do("leaf", outputs("x")) // the last branch leads nowhere
	b.do("join", outputs("x"))
	b.idle()
	b.wantStory(run, "root:SUCCESS a:SUCCESS b:SUCCESS leaf:SUCCESS join:SUCCESS")
	b.wantStatus(run, transport.RunSuccess)
}

func TestJoinDirectlyAfterItsAnchor(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "join"), with(unite(step("join", "end"), "root", allSuccess), "${{ root.outputs.o }}"),
		with(step("end"), "${{ join.outputs.o }}"))
	run := b.run()
	b.do("root", outputs("r"))
	if s := b.do("join", outputs("j")); string(s.Inputs) != `{"a":"r"}` {
		t.Errorf("the join's inputs are %s", s.Inputs)
	}
	if s := b.do("end", outputs("e")); string(s.Inputs) != `{"a":"j"}` {
		t.Errorf("the inputs after the join are %s", s.Inputs)
	}
	b.wantStatus(run, transport.RunSuccess)
}

// The node that fans out is an anchor once for each of its states.
func TestJoinOnTheFanOutItself(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("split", "work"), step("work", "join"), with(unite(step("join"), "split", allSuccess), "${{ split.outputs.o }}"))
	run := b.run()
	b.do("split", outputs("0", "1", "2"))
	for i := range 3 {
		b.do("work", outputs("x"))
		_, states := b.states(run)
		if n := len(states); n != 6+i+1 {
			t.Fatalf("after %d branches: %s", i+1, b.story(run))
		}
	}
	for i := range 3 {
		if s := b.do("join", outputs("x")); string(s.Inputs) != fmt.Sprintf(`{"a":"%d"}`, i) {
			t.Errorf("join %d has the inputs %s", i, s.Inputs)
		}
	}
	b.idle()
	b.wantStatus(run, transport.RunSuccess)
}

func TestJoinParentsAndDescendants(t *testing.T) {
	t.Parallel()
	b, run := fanned(t, statemanager.Options{}, allSuccess)
	for range 3 {
		b.do("work", outputs("x"))
	}
	_, states := b.states(run)
	root, join := states[0], b.last(run, "join")
	if diff := cmp.Diff(transport.Parents{{Identifier: "root", StateID: root.ID}}, join.Parents); diff != "" {
		t.Errorf("the join's parents (-want +got):\n%s", diff)
	}
}

func TestTwoJoinsOnOneAnchor(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "work"), step("work", "one", "two"), unite(step("one"), "root", allSuccess), unite(step("two"), "root", allDone))
	run := b.run()
	b.do("root", outputs("x"))
	b.do("work", outputs("0", "1"))
	if n := len(b.claimN(10)); n != 2 {
		t.Fatalf("%d joins run at once, want 2: %s", n, b.story(run))
	}
}

// Of two joins on one anchor the later waits for the earlier, and for what
// follows from it.
func TestJoinsOnOneAnchorInARow(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "map"), step("map", "reduce"),
		with(unite(step("reduce", "again"), "root", allSuccess), "${{ map.outputs.o }}"),
		step("again", "end"),
		with(unite(step("end"), "root", allSuccess), "${{ map.outputs.o }} ${{ reduce.outputs.o }} ${{ again.outputs.o }}"))
	run := b.run()
	b.do("root", outputs("x"))
	b.do("map", outputs("m1", "m2"))
	b.do("reduce", outputs("r1", "r2")) // fans out again
	b.do("again", outputs("a1"))
	b.wantStatus(run, transport.RunPending)
	b.do("again", outputs("a2"))
	s := b.do("end", outputs("x"))
	if want := `{"a":"[\"m1\",\"m2\"] [\"r1\",\"r2\"] [\"a1\",\"a2\"]"}`; string(s.Inputs) != want {
		t.Errorf("the inputs are %s, want %s", s.Inputs, want)
	}
	b.idle()
	b.wantStatus(run, transport.RunSuccess)
}

// nested fans out at outer and inner: root, then 2 items, each 2 parts that the
// inner join unites.
func nested(t *testing.T, inner, outer transport.UniteStrategy) (*bed, string) {
	t.Helper()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "items"), step("items", "item"), step("item", "parts"), step("parts", "part"),
		step("part", "inner"),
		with(unite(step("inner", "outer"), "item", inner), "${{ part.outputs.o }}"),
		with(unite(step("outer"), "root", outer), "${{ inner.outputs.o }} ${{ part.outputs.o }}"))
	run := b.run()
	b.do("root", outputs("x"))
	b.do("items", outputs("1", "2"))
	b.do("item", outputs("x"))
	b.do("item", outputs("x"))
	b.do("parts", outputs("1a", "1b"))
	b.do("parts", outputs("2a", "2b"))
	return b, run
}

func TestNestedJoins(t *testing.T) {
	t.Parallel()
	b, run := nested(t, allSuccess, allSuccess)
	parts := b.claimN(4)
	b.report(parts[0], outputs("1a"))
	b.report(parts[1], outputs("1b"))
	if s := b.do("inner", outputs("i1")); string(s.Inputs) != `{"a":"[\"1a\",\"1b\"]"}` {
		t.Errorf("the first inner join has the inputs %s", s.Inputs)
	}
	b.report(parts[3], outputs("2b"))
	b.report(parts[2], outputs("2a"))
	b.wantStatus(run, transport.RunPending)
	if s := b.do("inner", outputs("i2")); string(s.Inputs) != `{"a":"[\"2a\",\"2b\"]"}` {
		t.Errorf("the second inner join has the inputs %s", s.Inputs)
	}
	if s := b.do("outer", outputs("x")); string(s.Inputs) != `{"a":"[\"i1\",\"i2\"] [\"1a\",\"1b\",\"2a\",\"2b\"]"}` {
		t.Errorf("the outer join has the inputs %s", s.Inputs)
	}
	b.wantStatus(run, transport.RunSuccess)
}

func TestNestedJoinsWithAFailure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		inner, outer transport.UniteStrategy
		joins        string // that run, after the one of the item that went well
	}{
		{allSuccess, allSuccess, ""},
		{allSuccess, allDone, "outer"},
		{allDone, allSuccess, "inner"},
		{allDone, allDone, "inner outer"},
	} {
		t.Run(fmt.Sprint(c.inner, c.outer), func(t *testing.T) {
			t.Parallel()
			b, run := nested(t, c.inner, c.outer)
			parts := b.claimN(4)
			b.report(parts[2], outputs("2a"))
			b.report(parts[3], outputs("2b"))
			b.do("inner", outputs("i2"))
			b.report(parts[0], outputs("1a"))
			b.report(parts[1], transport.Errored{Message: "no"})
			got := ""
			for {
				s := b.claimN(1)
				if len(s) == 0 {
					break
				}
				if got != "" {
					got += " "
				}
				got += s[0].Identifier
				b.report(s[0], outputs("x"))
			}
			if got != c.joins {
				t.Errorf("joins that run: %q, want %q", got, c.joins)
			}
			b.wantStatus(run, transport.RunFailed)
		})
	}
}

// Retries of a branch are the branch.
func TestJoinWaitsForRetries(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{
		Nodes: []transport.Placement{step("root", "work"), step("work", "join"), unite(step("join"), "root", allSuccess)},
		Retry: retries(2),
	})
	run := b.run()
	b.do("root", outputs("x"))
	for range 2 {
		b.do("work", transport.Errored{Message: "no"})
		b.idle()
		b.wantStatus(run, transport.RunPending)
		b.now = b.now.Add(retries(2).Backoff)
	}
	b.do("work", outputs("x"))
	b.do("join", outputs("x"))
	b.wantStatus(run, transport.RunSuccess)
	b.wantStory(run, "root:SUCCESS work:RETRY_CREATED×2 work:SUCCESS join:SUCCESS")
}

// A branch that was requeued is not done.
func TestJoinWaitsForRequeuedStates(t *testing.T) {
	t.Parallel()
	b, run := fanned(t, statemanager.Options{}, allDone)
	b.do("work", outputs("x"))
	b.do("work", outputs("x"))
	b.do("work", transport.Requeued{After: 1})
	b.idle()
	b.wantStatus(run, transport.RunPending)
	b.now = b.now.Add(1)
	b.do("work", outputs("x"))
	b.do("join", outputs("x"))
	b.wantStatus(run, transport.RunSuccess)
}

// What joins collect is text, in the order of places, and only of states that
// have succeeded.
func TestCollect(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{
		step("root", "split"), step("split", "work"), step("work", "join"),
		with(unite(step("join"), "root", allDone), "got ${{ work.outputs.o }} of ${{ root.outputs.o }}"),
	}, Retry: retries(1)})
	run := b.run()
	b.do("root", outputs("ro\"ot"))
	b.do("split", outputs("0", "1", "2", "3", "4"))
	work := b.claimN(5)
	b.report(work[4], outputs("é\"\\\n"))
	b.report(work[0], outputs("zero"))
	b.report(work[1], transport.Pruned{})
	b.report(work[2], transport.Errored{Permanent: true})
	b.report(work[3], transport.Errored{})
	b.now = b.now.Add(retries(1).Backoff)
	b.do("work", outputs("three")) // created last, in place of the fourth
	s := b.do("join", outputs("x"))
	if want := `{"a":"got [\"zero\",\"three\",\"é\\\"\\\\\\n\"] of ro\"ot"}`; string(s.Inputs) != want {
		t.Errorf("the inputs are\n%s, want\n%s", s.Inputs, want)
	}
	b.wantStatus(run, transport.RunFailed)
}

func TestCollectNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "work"), step("work", "join"), with(unite(step("join"), "root", allSuccess), "${{ work.outputs.o }}"))
	b.run()
	b.do("root", outputs("x"))
	b.do("work", transport.Pruned{})
	if s := b.do("join", outputs("x")); string(s.Inputs) != `{"a":"[]"}` {
		t.Errorf("the inputs are %s, want an empty array", s.Inputs)
	}
}

// A branch without the output that a join collects fails alone.
func TestCollectMissingOutput(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("root", "work"), step("work", "join"), with(unite(step("join"), "root", allDone), "${{ work.outputs.o }}"))
	run := b.run()
	b.do("root", outputs("x"))
	b.do("work", transport.Executed{Outputs: []transport.Object{
		transport.Object(`{"o":"1"}`), transport.Object(`{}`), transport.Object(`{"o":null}`), transport.Object(`{"o":[]}`),
	}})
	b.wantStory(run, "root:SUCCESS work:SUCCESS work:NEXT_CREATED_ERROR×3 join:CREATED")
	if s := b.do("join", outputs("x")); string(s.Inputs) != `{"a":"[\"1\"]"}` {
		t.Errorf("the inputs are %s", s.Inputs)
	}
	_, states := b.states(run)
	for i, want := range map[int]string{
		2: "Output field 'o' not found on current state 'work' for the join that collects it",
		3: "Output field 'o' is null on current state 'work' for the join that collects it",
		4: "Output field 'o' is not a string on current state 'work' for the join that collects it",
	} {
		if states[i].Error != want {
			t.Errorf("state %d has the error %q, want %q", i, states[i].Error, want)
		}
	}
}

// A join whose inputs cannot be made is born ERRORED, and can be retried.
func TestJoinWithoutInputs(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{
		Nodes: []transport.Placement{
			step("root", "work"), step("work", "join"),
			with(unite(step("join"), "root", allSuccess), "${{ store.k }}"),
		},
		Store: transport.StoreConfig{RequiredKeys: []string{"k"}},
	})
	run := b.trigger("g", transport.TriggerSpec{Store: map[string]string{"k": "v"}})
	s := b.do("root", outputs("x"))
	if err := b.StoreDelete(b.now, "ns", s.ID, "k"); err != nil {
		t.Fatal(err)
	}
	b.do("work", outputs("x"))
	b.idle()
	b.wantStory(run, "root:SUCCESS work:SUCCESS join:ERRORED")
	b.wantStatus(run, transport.RunFailed)
	join := b.last(run, "join")
	if want := "store key 'k' not found for template 'join'"; join.Error != want {
		t.Errorf("the join's error is %q, want %q", join.Error, want)
	}
	_, err := b.Retry(b.now, "ns", join.ID, "1", false)
	wantError(t, err, http.StatusBadRequest, "store key 'k' not found for template 'join'")
	if err := b.StoreSet(b.now, "ns", s.ID, "k", "again"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Retry(b.now, "ns", join.ID, "1", false); err != nil {
		t.Fatalf("Retry: %v", err)
	}
	if s := b.do("join", outputs("x")); string(s.Inputs) != `{"a":"again"}` {
		t.Errorf("the inputs are %s", s.Inputs)
	}
	b.wantStatus(run, transport.RunSuccess)
}
