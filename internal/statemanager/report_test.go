package statemanager_test

import (
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// one has a run of one step, whose state is claimed.
func one(t *testing.T, policy *transport.RetryPolicy) (*bed, string, transport.Claimed) {
	t.Helper()
	b := newBed(t, statemanager.Options{})
	b.graph("g", transport.GraphSpec{Nodes: []transport.Placement{step("a")}, Retry: policy})
	run := b.run()
	return b, run, b.claim("a")
}

func TestReport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		outcome transport.Outcome
		want    statemanager.ReportResult
		story   string
		outputs string
		err     string
		data    string
	}{
		{"executed", outputs("x"), statemanager.ReportResult{Status: transport.StatusExecuted}, "a:SUCCESS", `{"o":"x"}`, "", ""},
		{"no outputs", transport.Executed{}, statemanager.ReportResult{Status: transport.StatusExecuted}, "a:SUCCESS", `{}`, "", ""},
		{
			"outputs of all kinds",
			transport.Executed{Outputs: []transport.Object{transport.Object(`{"o":5,"n":null,"l":[1,2.5,true],"":"z","$.":{}}`)}},
			statemanager.ReportResult{Status: transport.StatusExecuted},
			"a:SUCCESS", `{"o":5,"n":null,"l":[1,2.5,true],"":"z","$.":{}}`, "", "",
		},
		{
			"errored",
			transport.Errored{Message: "boom"},
			statemanager.ReportResult{Status: transport.StatusErrored, RetryCreated: true},
			"a:RETRY_CREATED a:CREATED", `{}`, "boom", "",
		},
		{
			"errored for good",
			transport.Errored{Message: "boom", Permanent: true},
			statemanager.ReportResult{Status: transport.StatusErrored},
			"a:ERRORED", `{}`, "boom", "",
		},
		{
			"pruned",
			transport.Pruned{Data: map[string]any{"k": []int{1}}},
			statemanager.ReportResult{Status: transport.StatusPruned, EnqueueAfter: epoch},
			"a:PRUNED", `{}`, "", `{"k":[1]}`,
		},
		{
			"pruned without data",
			transport.Pruned{},
			statemanager.ReportResult{Status: transport.StatusPruned, EnqueueAfter: epoch},
			"a:PRUNED", `{}`, "", `{}`,
		},
		{
			"requeued",
			transport.Requeued{After: 700 * time.Millisecond},
			statemanager.ReportResult{Status: transport.StatusCreated, EnqueueAfter: epoch.Add(1700 * time.Millisecond)},
			"a:CREATED", `{}`, "", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, run, s := one(t, retries(1))
			b.now = epoch.Add(time.Second)
			if diff := cmp.Diff(c.want, b.report(s, c.outcome)); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			b.wantStory(run, c.story)
			_, states := b.states(run)
			d := states[0]
			if string(d.Outputs) != c.outputs || d.Error != c.err || string(d.Data) != c.data || !d.UpdatedAt.Equal(b.now) || !d.CreatedAt.Equal(epoch) {
				t.Errorf("the state is %+v", d)
			}
			g, err := b.RunGraph("ns", run)
			if err != nil || g.States[0].Error != c.err {
				t.Errorf("the run's graph has the error %q, %v", g.States[0].Error, err)
			}

			// The same again is answered the same and changes nothing; another one is refused.
			b.now = epoch.Add(2 * time.Second)
			before := said(b.Run("ns", run))
			again, err := b.tell(s, c.outcome)
			if err != nil || again != c.want {
				t.Errorf("the same again: %+v, %v", again, err)
			}
			for _, o := range []transport.Outcome{outputs("y"), transport.Errored{Message: "z"}, transport.Pruned{Data: map[string]any{"z": 1}}, transport.Requeued{After: 1}} {
				_, err := b.tell(s, o)
				wantError(t, err, http.StatusConflict, "State has been reported on already, with another outcome")
			}
			if after := said(b.Run("ns", run)); after != before {
				t.Errorf("the run was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// The same outcome in other words is another one.
func TestReportsThatDiffer(t *testing.T) {
	t.Parallel()
	b, _, s := one(t, retries(0))
	b.report(s, outputs("ab", "c"))
	for _, o := range []transport.Outcome{outputs("a", "bc"), outputs("ab"), outputs("ab", "c", ""), outputs("c", "ab"), transport.Executed{}} {
		_, err := b.tell(s, o)
		wantError(t, err, http.StatusConflict, "State has been reported on already, with another outcome")
	}
	b, _, s = one(t, retries(0))
	b.report(s, transport.Errored{Message: "x"})
	_, err := b.tell(s, transport.Errored{Message: "x", Permanent: true})
	wantError(t, err, http.StatusConflict, "State has been reported on already, with another outcome")
}

// A manual retry in between does not change the answer.
func TestReportAgainAfterManualRetry(t *testing.T) {
	t.Parallel()
	b, _, s := one(t, retries(0))
	want := b.report(s, transport.Errored{Message: "x"})
	if _, err := b.Retry(b.now, "ns", s.ID, "1", false); err != nil {
		t.Fatal(err)
	}
	if got := b.report(s, transport.Errored{Message: "x"}); got != want {
		t.Errorf("the answer is %+v, was %+v", got, want)
	}
}

func TestReportOnStateThatIsNotQueued(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a", "b"), step("b"))
	run := b.run()
	_, states := b.states(run)
	s := transport.Claimed{ID: states[0].ID}
	check := func() {
		t.Helper()
		for _, o := range []transport.Outcome{outputs("x"), transport.Pruned{}, transport.Requeued{After: 1}} {
			_, err := b.tell(s, o)
			wantError(t, err, http.StatusBadRequest, "State is not queued")
		}
		_, err := b.tell(s, transport.Errored{})
		wantError(t, err, http.StatusBadRequest, "State is not queued or executed")
	}
	check() // CREATED
	b.do("a", outputs("1", "2"))
	_, states = b.states(run)
	s.ID = states[1].ID // SUCCESS from the beginning, as a sibling
	check()
}

func TestReportRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		outcome transport.Outcome
		want    []plain
	}{
		{"nothing", nil, []plain{{"", "is required"}}},
		{"outputs that are no objects", transport.Executed{Outputs: []transport.Object{
			transport.Object(`{}`), transport.Object(`"x"`), transport.Object(`{"a":`), nil, transport.Object(`null`),
		}}, []plain{
			{"outputs.1", "must be a JSON object"},
			{"outputs.2", "must be a JSON object"},
			{"outputs.3", "must be a JSON object"},
			{"outputs.4", "must be a JSON object"},
		}},
		{
			"very many outputs",
			transport.Executed{Outputs: make([]transport.Object, statemanager.MaxOutputs+1)},
			[]plain{{"outputs", "must have at most 1000000 items, not 1000001"}},
		},
		{
			"data that is no JSON",
			transport.Pruned{Data: map[string]any{"x": math.NaN()}},
			[]plain{{"data", "must be a JSON object"}},
		},
		{"requeue now", transport.Requeued{}, []plain{{"enqueue_after", "must be greater than 0"}}},
		{"requeue earlier", transport.Requeued{After: -1}, []plain{{"enqueue_after", "must be greater than 0"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, run, s := one(t, retries(0))
			_, err := b.tell(s, c.outcome)
			if diff := cmp.Diff(c.want, fieldErrors(t, err)); diff != "" {
				t.Errorf("field errors (-want +got):\n%s", diff)
			}
			if err := statemanager.Check(b.Engine); err != nil {
				t.Error(err)
			}
			b.wantStory(run, "a:QUEUED") // and can still be reported on
			b.report(s, outputs("x"))
		})
	}
}

func TestReportAll(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("split", "work"), step("work"))
	run := b.run()
	b.do("split", outputs("1", "2", "3"))
	s := b.claimN(3)
	results, errs := b.ReportAll(b.now, "ns", []transport.Report{
		{StateID: s[0].ID, Outcome: outputs("x")},
		{StateID: "nobody", Outcome: outputs("x")},
		{StateID: s[1].ID, Outcome: transport.Requeued{}},
		{StateID: s[2].ID, Outcome: transport.Errored{}},
		{StateID: s[0].ID, Outcome: transport.Pruned{}},
		{StateID: s[0].ID, Outcome: outputs("x")},
	})
	executed, failed := statemanager.ReportResult{Status: transport.StatusExecuted}, statemanager.ReportResult{Status: transport.StatusErrored}
	if diff := cmp.Diff([]statemanager.ReportResult{executed, {}, {}, failed, {}, executed}, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	for i, taken := range []bool{true, false, false, true, false, true} {
		if (errs[i] == nil) != taken {
			t.Errorf("report %d: %v, want taken %t", i, errs[i], taken)
		}
	}
	b.wantStory(run, "split:SUCCESS×3 work:SUCCESS work:QUEUED work:ERRORED")
}

func TestLongErrorIsCut(t *testing.T) {
	t.Parallel()
	b, run, s := one(t, retries(0))
	b.report(s, transport.Errored{Message: strings.Repeat("é", statemanager.MaxErrorBytes)})
	got := b.last(run, "a").Error
	if len(got) > statemanager.MaxErrorBytes || !strings.HasPrefix(got, "éé") || !strings.HasSuffix(got, "é…") {
		t.Errorf("the error has %d bytes and ends in %q", len(got), got[len(got)-10:])
	}
}

// A requeued state keeps its id, and its next claim is another one.
func TestRequeue(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	run := b.run()
	lease := transport.ClaimRequest{Nodes: []string{"N"}, Max: 1, Lease: time.Hour}
	first := b.Claim(b.now, "ns", lease)[0]
	b.report(first, transport.Requeued{After: time.Second})
	b.idle()
	b.now = b.now.Add(time.Second)
	second := b.Claim(b.now, "ns", lease)[0]
	if second.ID != first.ID || second.Attempt != 0 || !second.CreatedAt.Equal(epoch) {
		t.Errorf("claimed %+v after %+v", second, first)
	}
	_, err := b.tell(first, transport.Requeued{After: time.Second})
	wantError(t, err, http.StatusConflict, "Lease lost")
	b.report(second, outputs("x"))
	b.wantStory(run, "a:SUCCESS")

	b.run()
	s := b.claim("a")
	b.report(s, transport.Requeued{After: math.MaxInt64}) // to the end of time
	b.now = b.now.Add(100 * 365 * 24 * time.Hour)
	b.idle()
}

// Of two reports at once one counts.
func TestReportConcurrently(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a", "b"), step("b"))
	for range 50 {
		run := b.run()
		s := b.claim("a")
		var wg sync.WaitGroup
		taken := make([]bool, 4)
		for i := range taken {
			wg.Go(func() {
				o := transport.Outcome(outputs("x"))
				if i >= 2 {
					o = transport.Errored{Message: "no"}
				}
				_, err := b.tell(s, o)
				taken[i] = err == nil
			})
		}
		wg.Wait()
		if taken[0] != taken[1] || taken[2] != taken[3] || taken[0] == taken[2] {
			t.Fatalf("taken: %v", taken)
		}
		want := "a:ERRORED"
		if taken[0] {
			want = "a:SUCCESS b:SUCCESS"
			b.do("b", outputs("x"))
		}
		b.wantStory(run, want)
	}
}
