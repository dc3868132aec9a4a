package exotest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exotest"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestStub(t *testing.T) {
	t.Parallel()
	s := newShout("a bee")
	sm := exotest.NewStateManager(t)
	spelled := exotest.StubFanOut(sm, split, func(context.Context, Text, exo.None) ([]Text, error) { return []Text{{"x"}, {"y"}}, nil })
	calls := exotest.Stub(sm, upper, func(_ context.Context, in Text, _ exo.None) (Text, error) {
		if in.Text == "y" {
			return Text{}, exo.Prune(nil)
		}
		return Text{in.Text + in.Text}, nil
	})
	result := sm.Drive(t, s.graph, exo.TriggerOptions{})
	exotest.WantOutputs(t, result, s.joint, Text{"xx"})
	exotest.WantPruned(t, result, "loud", nil)
	want := []exotest.Call[Text, Text]{
		{In: Text{"x"}, Outs: []Text{{"xx"}}, Info: node.Info{Node: "Upper", Identifier: "loud", Namespace: "test", Runtime: "exotest", Graph: "shout", RunID: result.ID}},
		{In: Text{"y"}, Err: exo.Prune(nil), Info: node.Info{Node: "Upper", Identifier: "loud", Namespace: "test", Runtime: "exotest", Graph: "shout", RunID: result.ID}},
	}
	equal := cmp.Options{cmpopts.IgnoreFields(node.Info{}, "StateID", "CreatedAt"), cmp.Comparer(func(a, b error) bool { return (a == nil) == (b == nil) })}
	if d := cmp.Diff(want, calls.All(), equal); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]Text{{"a bee"}}, spelled.Inputs()); d != "" {
		t.Errorf("inputs (-want +got):\n%s", d)
	}
	// It is this state manager's alone, and can be replaced.
	exotest.Stub(sm, upper, func(_ context.Context, _ Text, _ exo.None) (Text, error) { return Text{"z"}, nil })
	exotest.WantOutputs(t, sm.Drive(t, s.graph, exo.TriggerOptions{}), s.joint, Text{"z z"})
	if calls.Len() != 4 {
		t.Errorf("%d calls, want 4", calls.Len())
	}
	exotest.WantOutputs(t, exotest.NewStateManager(t).Drive(t, s.graph, exo.TriggerOptions{}), s.joint, Text{"A BEE"})
}

func TestRecord(t *testing.T) {
	t.Parallel()
	s := newShout("a bee")
	sm := exotest.NewStateManager(t)
	calls := exotest.Record(sm, upper)
	exotest.WantOutputs(t, sm.Drive(t, s.graph, exo.TriggerOptions{}), s.joint, Text{"A BEE"})
	if d := cmp.Diff([]Text{{"a"}, {"bee"}}, calls.Inputs()); d != "" {
		t.Error(d)
	}
	boom := exo.Node("Boom", func(context.Context, Text, exo.None) (Text, error) { panic("boom") })
	failed := exotest.Record(sm, boom)
	g, _ := one(boom, Text{"x"})
	exotest.WantFailure(t, sm.Drive(t, g.Retry(exo.NoRetry()), exo.TriggerOptions{}), "only", "panic: boom")
	if all := failed.All(); len(all) != 1 || !errors.Is(all[0].Err, exotest.ErrNoReturn) {
		t.Errorf("%+v", all)
	}
}

// A node without outputs gives none, stubbed or not.
func TestStubOfANodeWithoutOutputs(t *testing.T) {
	t.Parallel()
	silent := exo.Node("Silent", func(context.Context, Text, exo.None) (exo.None, error) { return exo.None{}, nil })
	g, _ := one(silent, Text{"x"})
	sm := exotest.NewStateManager(t)
	plain := exotest.Transcript(sm.Drive(t, g, exo.TriggerOptions{}))
	exotest.Stub(sm, silent, func(context.Context, Text, exo.None) (exo.None, error) { return exo.None{}, nil })
	if d := cmp.Diff(plain, exotest.Transcript(sm.Drive(t, g, exo.TriggerOptions{}))); d != "" {
		t.Error(d)
	}
}

func TestRemoteStub(t *testing.T) {
	t.Parallel()
	remote := exo.Remote[Text, Text]("others", "Translate")
	g := exo.NewGraph("abroad")
	a := exo.Add(g, "a", echo, Text{"hello"})
	b := exo.Add(g, "b", remote, a.Out, exo.After(a))
	c := exo.Add(g, "c", upper, b.Out, exo.After(b))

	_, err := exotest.NewStateManager(t).TryDrive(t.Context(), g, exo.TriggerOptions{})
	var invalid *exo.GraphInvalidError
	if !errors.As(err, &invalid) || !strings.Contains(err.Error(), `node "Translate" of namespace "others" is served by others: give it a function by exotest.RemoteStub`) {
		t.Errorf("%v", err)
	}

	sm := exotest.NewStateManager(t)
	calls := exotest.RemoteStub(sm, remote, func(ctx context.Context, _ Text) (Text, error) {
		if exo.Info(ctx).Namespace != "others" {
			return Text{}, errors.New("not in its namespace")
		}
		return Text{"bonjour"}, nil
	})
	result := sm.Drive(t, g, exo.TriggerOptions{})
	exotest.WantOutputs(t, result, c, Text{"BONJOUR"})
	if d := cmp.Diff([]Text{{"hello"}}, calls.Inputs()); d != "" {
		t.Error(d)
	}
	exotest.StubFanOut(sm, remote, func(context.Context, Text, exo.None) ([]Text, error) { return []Text{{"salut"}, {"allo"}}, nil })
	exotest.WantOutputs(t, sm.Drive(t, g, exo.TriggerOptions{}), c, Text{"SALUT"}, Text{"ALLO"})
}

func TestFailOn(t *testing.T) {
	t.Parallel()
	s := newShout("a bee")
	s.graph.Retry(exo.RetryPolicy{MaxRetries: 2, Strategy: exo.Linear, Backoff: time.Minute})
	sm := exotest.NewStateManager(t)
	calls := exotest.Record(sm, upper)
	sm.FailOn("loud", 0, errors.New("first"))
	sm.FailOn("loud", 1, errors.New("second"))
	result := sm.Drive(t, s.graph, exo.TriggerOptions{})
	exotest.WantSuccess(t, result)
	exotest.WantAttempts(t, result, "loud", 3, 3)
	exotest.WantDelays(t, result, "loud", time.Minute, 2*time.Minute, time.Minute, 2*time.Minute)
	if calls.Len() != 2 {
		t.Errorf("the function was called %d times, want 2", calls.Len())
	}
	sm.FailOn("begin", 0, exo.Permanent(errors.New("for good")))
	exotest.WantFailure(t, sm.Drive(t, s.graph, exo.TriggerOptions{}), "begin", "for good")
	pruned := exotest.NewStateManager(t)
	pruned.FailOn("words", 0, exo.Prune(map[string]any{"why": "so"}))
	exotest.WantPruned(t, pruned.Drive(t, s.graph, exo.TriggerOptions{}), "words", map[string]any{"why": "so"})
}

// Delays of parallel branches pass together.
func TestDelay(t *testing.T) {
	t.Parallel()
	s := newShout("a bee sees")
	sm := exotest.NewStateManager(t)
	sm.Delay("loud", time.Hour)
	calls := exotest.Record(sm, upper)
	result := sm.Drive(t, s.graph, exo.TriggerOptions{})
	exotest.WantOutputs(t, result, s.joint, Text{"A BEE SEES"})
	if result.Elapsed != time.Hour {
		t.Errorf("took %v, want an hour", result.Elapsed)
	}
	for _, c := range calls.All() {
		if c.At != time.Hour {
			t.Errorf("called at %v", c.At)
		}
	}
}

func TestDelayBeyondATimeout(t *testing.T) {
	t.Parallel()
	slow := exo.Node("Slow", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil }, exo.WithTimeout(time.Minute))
	g, _ := one(slow, Text{"x"})
	g.Retry(exo.NoRetry())
	_, err := func() (*exo.RunResult, error) {
		sm := exotest.NewStateManager(t)
		sm.Delay("only", time.Hour)
		return sm.TryDrive(t.Context(), g, exo.TriggerOptions{})
	}()
	if err == nil || !strings.Contains(err.Error(), "outlasts the timeout of its node, 1m0s") {
		t.Errorf("%v", err)
	}
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		sm.Delay("only", time.Hour)
		result := sm.Drive(t, g, exo.TriggerOptions{})
		exotest.WantFailure(t, result, "only", `node "Slow": timed out after 1m0s`)
		if result.Elapsed != time.Minute {
			t.Errorf("took %v, want a minute", result.Elapsed)
		}
	})
}

func TestDoublesMisused(t *testing.T) {
	t.Parallel()
	remote := exo.Remote[Text, Text]("others", "Remote")
	twin := exo.Node("Upper", func(_ context.Context, in Words, _ exo.None) (Words, error) { return in, nil })
	s := newShout("a")
	for name, test := range map[string]struct {
		do   func(sm *exotest.StateManager, t testing.TB)
		want string
	}{
		"nil stub":        {func(sm *exotest.StateManager, _ testing.TB) { exotest.Stub(sm, upper, nil) }, "the function is nil"},
		"nil remote stub": {func(sm *exotest.StateManager, _ testing.TB) { exotest.RemoteStub(sm, remote, nil) }, `the function of node "Remote" is nil`},
		"not remote": {func(sm *exotest.StateManager, _ testing.TB) {
			exotest.RemoteStub(sm, upper, func(_ context.Context, in Text) (Text, error) { return in, nil })
		}, "is not Remote: use Stub"},
		"record of others":  {func(sm *exotest.StateManager, _ testing.TB) { exotest.Record(sm, remote) }, "use RemoteStub, which records"},
		"two types":         {func(sm *exotest.StateManager, _ testing.TB) { exotest.Record(sm, upper); exotest.Record(sm, twin) }, "has a stub of other types"},
		"negative attempt":  {func(sm *exotest.StateManager, _ testing.TB) { sm.FailOn("x", -1, errors.New("x")) }, "attempts count from 0"},
		"no delay":          {func(sm *exotest.StateManager, _ testing.TB) { sm.Delay("x", 0) }, "it must be positive"},
		"unknown operation": {func(sm *exotest.StateManager, _ testing.TB) { sm.FailNext("fetch", 1, nil) }, `there is no operation "fetch"`},
		"FailOn unused": {func(sm *exotest.StateManager, t testing.TB) {
			sm.FailOn("loudd", 0, errors.New("x"))
			sm.Drive(t, s.graph, exo.TriggerOptions{})
		}, `FailOn("loudd", 0) never came to pass`},
		"Delay unused": {func(sm *exotest.StateManager, t testing.TB) {
			sm.Delay("loudd", time.Second)
			sm.Drive(t, s.graph, exo.TriggerOptions{})
		}, `Delay("loudd", 1s) never came to pass`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := messages(t, func(t testing.TB) { test.do(exotest.NewStateManager(t), t) })
			if !strings.Contains(got, test.want) {
				t.Errorf("%q, want %q in it", got, test.want)
			}
		})
	}
}

// FailNext reaches those who use the state manager, and nodes through their
// contexts, but not the driver.
func TestFailNext(t *testing.T) {
	t.Parallel()
	fragile := exo.Node("Fragile", func(ctx context.Context, _ Text, sec key) (Text, error) {
		_, _, err := counter.Get(ctx)
		return Text{sec.Key.Reveal()}, err
	})
	g, only := one(fragile, Text{"x"})
	g.Secrets(map[string]string{"key": "k"})
	sm := exotest.NewStateManager(t)
	sm.FailNext("claim", 1, nil)
	sm.FailNext("trigger", 1, nil)
	sm.FailNext("secrets", 3, nil)   // the runtime tries again
	sm.FailNext("report", 3, nil)    // it does so, too
	sm.FailNext("store get", 1, nil) // the node does not
	result := sm.Drive(t, g, exo.TriggerOptions{})
	exotest.WantOutputs(t, result, only, Text{"k"})
	exotest.WantAttempts(t, result, "only", 2)

	gone := &transport.Error{Op: "trigger", Status: 404, Message: "gone"}
	client := sm.Client(t)
	sm.FailNext("trigger", 1, gone)
	for _, want := range []string{"made to fail by exotest", "gone"} {
		if _, err := client.Trigger(t.Context(), "one", exo.TriggerOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	r, err := client.Trigger(t.Context(), "one", exo.TriggerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	exotest.WantSuccess(t, sm.Wait(t, r))
	if _, err := sm.Namespace("test").Claim(t.Context(), claimOf("Fragile")); err == nil {
		t.Error("the claim does not fail")
	}
}
