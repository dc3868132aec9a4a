package exotest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/store"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exotest"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestDrive(t *testing.T) {
	t.Parallel()
	s := newShout("a bee sees")
	result := exotest.NewStateManager(t).Drive(t, s.graph, exo.TriggerOptions{})
	exotest.WantSuccess(t, result)
	exotest.WantOutputs(t, result, s.joint, Text{"A BEE SEES"})
	exotest.WantOutputs(t, result, s.loud, Text{"A"}, Text{"BEE"}, Text{"SEES"})
	exotest.WantPath(t, result, "begin", "words", "loud", "joint")
	exotest.WantAttempts(t, result, "loud", 1)
}

// A Part is one of many pieces of work.
type Part struct {
	Number exo.Val[int] `json:"number"`
}

type Parts struct {
	Numbers exo.Val[[]int] `json:"numbers"`
}

type Sum struct {
	Sum exo.Val[int] `json:"sum"`
}

// long is a graph that fans out to n, joins, and waits for a day. Its second
// part fails three times, and is tried again after 15, 30 and 60 minutes.
func long(n int) (g *exo.Graph, parts *exo.Step[Part], sum *exo.Step[Sum]) {
	begin := exo.Node("Begin", func(context.Context, exo.None, exo.None) (exo.None, error) { return exo.None{}, nil })
	cut := exo.FanOut("Cut", func(context.Context, exo.None, exo.None) ([]Part, error) {
		all := make([]Part, n)
		for i := range all {
			all[i].Number = exo.Of(i)
		}
		return all, nil
	})
	work := exo.Node("Work", func(ctx context.Context, in Part, _ exo.None) (Part, error) {
		if in.Number.V == 1 && exo.Info(ctx).Attempt < 3 {
			return in, errors.New("not yet")
		}
		return in, nil
	})
	waited := make(map[string]bool) // by state: a run has one
	add := exo.Node("Add", func(ctx context.Context, in Parts, _ exo.None) (Sum, error) {
		if id := exo.Info(ctx).RunID; !waited[id] {
			waited[id] = true
			return Sum{}, exo.RequeueAfter(24 * time.Hour)
		}
		total := 0
		for _, n := range in.Numbers.V {
			total += n
		}
		return Sum{exo.Of(total)}, nil
	})
	g = exo.NewGraph("long").Retry(exo.RetryPolicy{MaxRetries: 3, Strategy: exo.Exponential, Backoff: 15 * time.Minute, Exponent: 2, MaxDelay: time.Hour})
	b := exo.Add(g, "begin", begin, exo.None{})
	c := exo.Add(g, "cut", cut, exo.None{}, exo.After(b))
	parts = exo.Add(g, "work", work, c.Out, exo.After(c))
	sum = exo.Add(g, "sum", add, Parts{exo.Collect(parts.Out.Number)}, exo.After(parts), exo.Unites(b, exo.AllSuccess))
	return g, parts, sum
}

// What takes more than a day takes some milliseconds, and is the same every time.
func TestDriveTakesNoTime(t *testing.T) {
	t.Parallel()
	g, parts, sum := long(50)
	sm := exotest.NewStateManager(t)
	result := sm.Drive(t, g, exo.TriggerOptions{}) // which would take a day
	exotest.WantSuccess(t, result)
	exotest.WantOutputs(t, result, sum, Sum{exo.Of(1225)})
	exotest.WantAttempts(t, result, parts.ID(), append([]int{1, 4}, slices.Repeat([]int{1}, 48)...)...)
	exotest.WantDelays(t, result, parts.ID(), 15*time.Minute, 30*time.Minute, time.Hour)
	if want := 24*time.Hour + 105*time.Minute; result.Elapsed != want || sm.Elapsed() != want {
		t.Errorf("elapsed %v, on the clock %v, want %v", result.Elapsed, sm.Elapsed(), want)
	}
}

func TestDriveIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	drive := func(seed uint64) *exo.RunResult {
		g, _, _ := long(20)
		g.Retry(exo.RetryPolicy{MaxRetries: 3, Strategy: exo.ExponentialFullJitter, Backoff: time.Minute, Exponent: 2})
		return exotest.NewStateManager(t).With(exotest.WithSeed(seed)).Drive(t, g, exo.TriggerOptions{})
	}
	first := drive(1)
	if d := cmp.Diff(first, drive(1)); d != "" {
		t.Errorf("the second time it differs:\n%s", d)
	}
	if other := drive(2); other.ID == first.ID || other.Elapsed == first.Elapsed {
		t.Error("another seed changes nothing")
	}
}

func TestDriveRegistersTheNodesOfTheGraph(t *testing.T) {
	t.Parallel()
	sm := exotest.NewStateManager(t, upper)
	for range 2 { // nodes of the same name that are made anew replace the old ones
		g, only := one(exo.Node("Upper", func(_ context.Context, in Text, _ exo.None) (Text, error) { return Text{in.Text + "!"}, nil }), Text{"a"})
		exotest.WantOutputs(t, sm.Drive(t, g, exo.TriggerOptions{}), only, Text{"a!"})
	}
	spec, _ := one(upper, Text{"a"})
	other := exotest.NewStateManager(t, upper)
	client := other.Client(t)
	if _, err := client.UpsertSpec(t.Context(), "one", spec.Spec("test")); err != nil {
		t.Fatal(err)
	}
	r, err := client.Trigger(t.Context(), "one", exo.TriggerOptions{Inputs: map[string]string{"text": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Wait(t.Context()) // which drives
	if err != nil {
		t.Fatal(err)
	}
	if got := string(result.States[0].Outputs); got != `{"text":"B"}` {
		t.Errorf("outputs %s", got)
	}
}

func TestTwoNodesOfOneName(t *testing.T) {
	t.Parallel()
	g := exo.NewGraph("twins")
	a := exo.Add(g, "a", exo.Node("Twin", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil }), Text{"x"})
	exo.Add(g, "b", exo.Node("Twin", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil }), a.Out, exo.After(a))
	if _, err := exotest.NewStateManager(t).TryDrive(t.Context(), g, exo.TriggerOptions{}); err == nil || !strings.Contains(err.Error(), `duplicate node "Twin"`) {
		t.Errorf("%v", err)
	}
}

var counter = store.NewKey[int]("counter")

// Runs take turns by time, and do not touch each other's stores.
func TestSeveralRunsAtOnce(t *testing.T) {
	t.Parallel()
	var order []string
	count := exo.Node("Count", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		order = append(order, in.Text)
		n, err := counter.Update(ctx, func(n int, _ bool) (int, error) { return n + 1, nil })
		switch {
		case err != nil:
			return Text{}, err
		case n < 3:
			d, err := time.ParseDuration(in.Text)
			if err != nil {
				return Text{}, err
			}
			return Text{}, exo.RequeueAfter(d)
		}
		return Text{strconv.Itoa(n)}, nil
	})
	g, only := one(count, Text{""})
	sm := exotest.NewStateManager(t)
	slow := sm.Trigger(t, g, exo.TriggerOptions{Inputs: map[string]string{"text": "1h"}})
	fast := sm.Trigger(t, g, exo.TriggerOptions{Inputs: map[string]string{"text": "50m"}})
	if n := len(sm.Result(t, slow).States); n != 1 || len(order) != 0 {
		t.Errorf("%d states, executed %v before anything is driven", n, order)
	}
	first := sm.Wait(t, slow)
	exotest.WantOutputs(t, first, only, Text{"3"})
	second := sm.Wait(t, fast)
	exotest.WantOutputs(t, second, only, Text{"3"})
	if want := []string{"1h", "50m", "50m", "1h", "50m", "1h"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	if first.Elapsed != 2*time.Hour || second.Elapsed != 100*time.Minute {
		t.Errorf("elapsed %v and %v", first.Elapsed, second.Elapsed)
	}
	sm.WantStore(t, first, map[string]string{"counter": "3"})
}

func TestStep(t *testing.T) {
	t.Parallel()
	s := newShout("a bee")
	sm := exotest.NewStateManager(t)
	run := sm.Trigger(t, s.graph, exo.TriggerOptions{StartDelay: time.Hour})
	var steps []string
	for {
		x, ok := sm.Step(t)
		if !ok {
			break
		}
		if x.RunID != run.ID || x.At != time.Hour || x.Outcome.Kind != exo.Executed {
			t.Errorf("%+v", x)
		}
		steps = append(steps, fmt.Sprintf("%s %s %s", x.Step, x.Node, x.Inputs))
		if want := len(steps); len(sm.Result(t, run).States) < want {
			t.Errorf("after %d executions there are %d states", want, len(sm.Result(t, run).States))
		}
	}
	want := []string{
		`begin Echo {"text":"a bee"}`, `words Split {"text":"a bee"}`, `loud Upper {"text":"a"}`, `loud Upper {"text":"bee"}`,
		`joint Join {"words":"[\"A\",\"BEE\"]"}`,
	}
	if d := cmp.Diff(want, steps); d != "" {
		t.Error(d)
	}
}

func TestDriveUntil(t *testing.T) {
	t.Parallel()
	s := newShout("a bee sees")
	sm := exotest.NewStateManager(t)
	calls := exotest.Record(sm, upper)
	run := sm.Trigger(t, s.graph, exo.TriggerOptions{})
	sm.DriveUntil(t, func() bool { return calls.Len() == 2 })
	if d := cmp.Diff([]Text{{"a"}, {"bee"}}, calls.Inputs()); d != "" {
		t.Error(d)
	}
	if got := sm.Result(t, run).Status; got != exo.RunPending {
		t.Errorf("the run is %s", got)
	}
	exotest.WantSuccess(t, sm.Wait(t, run))
}

// A trigger of the first of each month, for a year, in no time.
func TestDriveForCron(t *testing.T) {
	t.Parallel()
	g, only := one(echo, Text{"monthly"})
	g.Cron("0 9 1 * *")
	sm := exotest.NewStateManager(t).With(exotest.WithStart(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)))
	sm.Upsert(t, g)
	const year = 365 * 24 * time.Hour
	sm.DriveFor(t, year)
	if got := sm.Elapsed(); got != year {
		t.Errorf("%v have passed, want a year", got)
	}
	runs := sm.Results(t, g)
	if len(runs) != 12 {
		t.Fatalf("%d runs, want 12", len(runs))
	}
	for i, r := range runs {
		exotest.WantOutputs(t, r, only, Text{"monthly"})
		if want := time.Date(2026, time.Month(2+i), 1, 9, 0, 0, 0, time.UTC); !r.States[0].CreatedAt.Equal(want) {
			t.Errorf("run %d began at %v, want %v", i, r.States[0].CreatedAt, want)
		}
	}
}

// Advance is a time without workers: triggers fire, and nothing is executed.
func TestAdvance(t *testing.T) {
	t.Parallel()
	g, _ := one(echo, Text{"hourly"})
	g.Cron("30 * * * *")
	sm := exotest.NewStateManager(t)
	sm.Upsert(t, g)
	sm.Advance(5 * time.Hour)
	runs := sm.Results(t, g)
	if len(runs) != 5 || runs[4].Status != exo.RunPending {
		t.Fatalf("%d runs, want 5 that are pending", len(runs))
	}
	sm.DriveFor(t, 0)
	for _, r := range sm.Results(t, g) {
		exotest.WantSuccess(t, r)
	}
	if got := sm.Elapsed(); got != 5*time.Hour || !sm.Now().Equal(time.Date(2000, 1, 1, 5, 0, 0, 0, time.UTC)) {
		t.Errorf("%v have passed", got)
	}
}

func TestDriveReportsAnInvalidGraphInFull(t *testing.T) {
	t.Parallel()
	g := exo.NewGraph("bad").Retry(exo.RetryPolicy{MaxRetries: -1}).Cron("every day")
	a := exo.Add(g, "a", echo, Text{"x"})
	exo.Add(g, "a", echo, Text{"${{ b.outputs.text }}"}, exo.After(a))
	_, err := exotest.NewStateManager(t).TryDrive(t.Context(), g, exo.TriggerOptions{})
	var invalid *exo.GraphInvalidError
	if !errors.As(err, &invalid) || len(invalid.Errors) < 3 {
		t.Fatalf("%v", err)
	}
	got := messages(t, func(t testing.TB) { exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{}) })
	for _, want := range append(invalid.Errors, "(the test ends)") {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

func TestDriveEndsWhatHasNoEnd(t *testing.T) {
	t.Parallel()
	g, _ := one(exo.Node("Wait", func(context.Context, Text, exo.None) (Text, error) { return Text{}, exo.RequeueAfter(time.Hour) }), Text{"x"})
	got := messages(t, func(t testing.TB) {
		exotest.NewStateManager(t).With(exotest.WithLimit(1000)).Drive(t, g, exo.TriggerOptions{})
	})
	for _, want := range []string{`step "only" was executed 1000 times`, "WithLimit"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}

func TestDriveNamesWhatARunWaitsFor(t *testing.T) {
	t.Parallel()
	sm := exotest.NewStateManager(t)
	s := newShout("a bee")
	run := sm.Trigger(t, s.graph, exo.TriggerOptions{})
	for range 2 {
		sm.Step(t)
	}
	// Somebody else takes a state and does not give it back.
	taken, err := sm.Namespace("test").Claim(t.Context(), claimOf("Upper"))
	if err != nil || len(taken) != 1 {
		t.Fatalf("%d states, %v", len(taken), err)
	}
	result, err := sm.Client(t).Run(run.ID).Wait(t.Context())
	const want = "loud[1] was claimed, and its outcome was never reported; join joint of begin waits for loud[1]"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if result != nil {
		t.Errorf("a result: %+v", result)
	}
}

func TestDriveUnderTheRulesOfTheReferenceServer(t *testing.T) {
	t.Parallel()
	// The last branch is pruned: there, the join never runs.
	build := func() *exo.Graph {
		g := exo.NewGraph("lost")
		a := exo.Add(g, "a", echo, Text{"x y"})
		b := exo.Add(g, "b", split, a.Out, exo.After(a))
		c := exo.Add(g, "c", exo.Node("Prune", func(_ context.Context, in Text, _ exo.None) (Text, error) {
			if in.Text == "y" {
				return Text{}, exo.Prune(nil)
			}
			return in, nil
		}), b.Out, exo.After(b))
		exo.Add(g, "d", echo, a.Out, exo.After(c), exo.Unites(a, exo.AllDone))
		return g
	}
	ours := exotest.NewStateManager(t).Drive(t, build(), exo.TriggerOptions{})
	exotest.WantPath(t, ours, "a", "b", "c", "d")
	result, err := exotest.NewStateManager(t).With(exotest.AsReference()).TryDrive(t.Context(), build(), exo.TriggerOptions{})
	if !errors.Is(err, exo.ErrRunStuck) {
		t.Fatalf("%v, want ErrRunStuck", err)
	}
	if want := `step "d" never ran for state <a> of step "a": its last branch ended at step "c", PRUNED`; !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	exotest.WantSuccess(t, result) // as it shows there
	exotest.WantPath(t, result, "a", "b", "c")
	exotest.WantPruned(t, result, "c", nil)
}

func TestWithoutExtensions(t *testing.T) {
	t.Parallel()
	var info node.Info
	g, _ := one(exo.Node("Do", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		info = exo.Info(ctx)
		_, _, err := counter.Get(ctx)
		return in, exo.Permanent(err)
	}), Text{"x"})
	result := exotest.NewStateManager(t).With(exotest.WithoutExtensions()).Drive(t, g, exo.TriggerOptions{})
	exotest.WantFailure(t, result, "only", "has no store")
	exotest.WantAttempts(t, result, "only", 4) // also what is permanent
	if info.RunID != "" || info.Graph != "" || info.Attempt != 0 || info.StateID == "" {
		t.Errorf("%+v", info)
	}
}

func TestWithMustComeFirst(t *testing.T) {
	t.Parallel()
	got := messages(t, func(t testing.TB) {
		sm := exotest.NewStateManager(t)
		sm.Upsert(t, newShout("x").graph)
		sm.With(exotest.AsReference())
	})
	if !strings.Contains(got, "With must be called before") {
		t.Errorf("%q", got)
	}
}

// What a node or stub says by t.Fatal ends the test that drives it.
func TestFatalInANode(t *testing.T) {
	t.Parallel()
	got := messages(t, func(t testing.TB) {
		g, _ := one(exo.Node("Do", func(_ context.Context, in Text, _ exo.None) (Text, error) {
			t.Fatal("the node says so")
			return in, nil
		}), Text{"x"})
		exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{})
		t.Error("the test went on")
	})
	if got != "the node says so\n(the test ends)" {
		t.Errorf("%q", got)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	var got any
	g, _ := one(exo.Node("Do", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		got = ctx.Value(key{})
		return in, nil
	}), Text{"x"})
	sm := exotest.NewStateManager(t).With(exotest.WithContext(context.WithValue(t.Context(), key{}, "value")))
	sm.Drive(t, g, exo.TriggerOptions{})
	if got != "value" {
		t.Errorf("the node's context has %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sm.TryDrive(ctx, g, exo.TriggerOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want Canceled", err)
	}
}

// A node that starts another graph and waits for it drives that one.
func TestANodeThatWaitsForAnotherRun(t *testing.T) {
	t.Parallel()
	sm := exotest.NewStateManager(t)
	inner := newShout("a bee")
	inner.graph.Retry(exo.RetryPolicy{MaxRetries: 1, Backoff: time.Hour})
	sm.Upsert(t, inner.graph)
	sm.FailOn("loud", 0, errors.New("not yet"))
	g, only := one(exo.Node("Outer", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		run, err := sm.Client(t).Trigger(ctx, "shout", exo.TriggerOptions{Inputs: exo.Fields(in)})
		if err != nil {
			return Text{}, err
		}
		result, err := run.Wait(ctx)
		if err != nil {
			return Text{}, err
		}
		outs, err := exo.Outputs(result, inner.joint)
		return outs[0], err
	}), Text{"bees hum"})
	result := sm.Drive(t, g, exo.TriggerOptions{})
	exotest.WantOutputs(t, result, only, Text{"BEES HUM"})
	if result.Elapsed != time.Hour {
		t.Errorf("it took %v, want an hour", result.Elapsed)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.InfoLevel)
	var order []string
	note := func(name string) node.Middleware {
		return func(next node.Handler) node.Handler {
			return func(ctx context.Context, req *node.Request) ([]transport.Object, error) {
				order = append(order, name)
				return next(ctx, req)
			}
		}
	}
	sm := exotest.NewStateManager(t).With(exotest.WithNamespace("etl"), exotest.WithLogger(zap.New(core)), exotest.WithMiddleware(note("a"), note("b")))
	g, _ := one(exo.Node("Do", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		exo.Logger(ctx).Info("from the node of " + exo.Info(ctx).Namespace)
		return in, nil
	}), Text{"x"})
	exotest.WantSuccess(t, sm.Drive(t, g, exo.TriggerOptions{}))
	if d := cmp.Diff([]string{"a", "b"}, order); d != "" {
		t.Error(d)
	}
	if logs.FilterMessage("from the node of etl").Len() != 1 {
		t.Errorf("logged %v", logs.All())
	}
	if got := sm.Client(t).Namespace(); got != "etl" {
		t.Errorf("the client is in %q", got)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	sm := exotest.NewStateManager(t)
	run := sm.Trigger(t, newShout("a bee").graph, exo.TriggerOptions{})
	sm.Step(t)
	if err := run.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := sm.Step(t); ok {
		t.Error("something is executed after the run was cancelled")
	}
	if got := sm.Wait(t, run).Status; got != exo.RunCancelled {
		t.Errorf("the run is %s", got)
	}
}

func TestNodesThatDoNotFitTogether(t *testing.T) {
	t.Parallel()
	for want, nodes := range map[string][]node.Any{
		`duplicate node "Upper"`: exo.Nodes(upper, upper),
		"node 0 is nil":          exo.Nodes(nil),
		`node "R" is Remote`:     exo.Nodes(exo.Remote[Text, Text]("others", "R")),
	} {
		if got := messages(t, func(t testing.TB) { exotest.NewStateManager(t, nodes...) }); !strings.Contains(got, want) {
			t.Errorf("%q, want %q in it", got, want)
		}
	}
}

type hidden struct {
	Text   string `json:"text"`
	hidden int
}

func TestOutputsWithFieldsThatDoNotTravel(t *testing.T) {
	t.Parallel()
	g, only := one(exo.Node("Do", func(_ context.Context, in Text, _ exo.None) (hidden, error) { return hidden{in.Text, 7}, nil }), Text{"x"})
	exotest.WantOutputs(t, exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{}), only, hidden{Text: "x"})
}
