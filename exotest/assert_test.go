package exotest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exotest"
	"github.com/google/go-cmp/cmp"
)

// mixed is a run with everything in it: a fan-out, retries, a prune, a failure,
// a requeue, a join that does not run.
func mixed(t testing.TB) (sm *exotest.StateManager, r *exo.RunResult, s shout) {
	t.Helper()
	s = newShout("a bee sees <nothing>")
	s.graph.Retry(exo.RetryPolicy{MaxRetries: 2, Strategy: exo.Exponential, Backoff: time.Minute})
	sm = exotest.NewStateManager(t)
	requeued := false
	exotest.Stub(sm, upper, func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		switch in.Text {
		case "a":
			return Text{}, fmt.Errorf("state %s of run %s always fails", exo.Info(ctx).StateID, exo.Info(ctx).RunID)
		case "bee":
			if exo.Info(ctx).Attempt == 0 {
				return Text{}, errors.New("not yet")
			}
		case "sees":
			return Text{}, exo.Prune(map[string]any{"reason": "dull", "letters": 4})
		default:
			if !requeued {
				requeued = true
				return Text{}, exo.RequeueAfter(24 * time.Hour)
			}
			if err := counter.Set(ctx, 7); err != nil {
				return Text{}, err
			}
		}
		return Text{strings.ToUpper(in.Text)}, nil
	})
	return sm, sm.Drive(t, s.graph, exo.TriggerOptions{}), s
}

func TestAssertionsThatHold(t *testing.T) {
	t.Parallel()
	sm, r, s := mixed(t)
	exotest.WantFailure(t, r, "loud", "always fails")
	exotest.WantOutputs(t, r, s.loud, Text{"BEE"}, Text{"<NOTHING>"})
	exotest.WantOutputs(t, r, s.joint)
	exotest.WantPath(t, r, "begin", "words", "loud")
	exotest.WantAttempts(t, r, "words", 1)
	exotest.WantAttempts(t, r, "loud", 3, 2, 1, 1)
	exotest.WantDelays(t, r, "loud", time.Minute, 2*time.Minute, time.Minute)
	exotest.WantPruned(t, r, "loud", map[string]any{"letters": 4.0, "reason": "dull"})
	exotest.WantPruned(t, r, "words")
	sm.WantStore(t, r, map[string]string{"counter": "7"})
	exotest.Golden(t, r, "testdata/mixed.golden")
}

var updateMessages = flag.Bool("messages.update", false, "write testdata/messages")

// Each assertion, failing. What it says is in testdata/messages.
func TestMessagesOfAssertions(t *testing.T) {
	t.Parallel()
	if f := flag.Lookup("exotest.update"); f.Value.String() == "true" {
		t.Skip("Golden writes files instead of comparing them")
	}
	sm, r, s := mixed(t)
	missing := "testdata/no such.golden"
	for _, test := range []struct {
		name string
		do   func(t testing.TB)
	}{
		{"WantSuccess", func(t testing.TB) { exotest.WantSuccess(t, r) }},
		{"WantFailure, another error", func(t testing.TB) { exotest.WantFailure(t, r, "loud", "nothing found") }},
		{"WantFailure, no such step", func(t testing.TB) { exotest.WantFailure(t, r, "joint", "") }},
		{"WantFailure, succeeded", func(t testing.TB) {
			exotest.WantFailure(t, exotest.NewStateManager(t).Drive(t, newShout("a").graph, exo.TriggerOptions{}), "loud", "")
		}},
		{"WantOutputs", func(t testing.TB) { exotest.WantOutputs(t, r, s.loud, Text{"BEE"}, Text{"NOTHING"}) }},
		{"WantOutputs, none", func(t testing.TB) { exotest.WantOutputs(t, r, s.joint, Text{"BEE"}) }},
		{"WantPath", func(t testing.TB) { exotest.WantPath(t, r, "begin", "words", "loud", "joint") }},
		{"WantAttempts", func(t testing.TB) { exotest.WantAttempts(t, r, "loud", 1) }},
		{"WantAttempts, no such step", func(t testing.TB) { exotest.WantAttempts(t, r, "lod", 1) }},
		{"WantDelays", func(t testing.TB) { exotest.WantDelays(t, r, "loud", time.Minute) }},
		{"WantPruned", func(t testing.TB) { exotest.WantPruned(t, r, "loud", map[string]any{"reason": "dull"}) }},
		{"WantStore", func(t testing.TB) { sm.WantStore(t, r, map[string]string{"counter": "8", "cursor": "x"}) }},
		{"Golden, no file", func(t testing.TB) { exotest.Golden(t, r, missing) }},
		{"Golden", func(t testing.TB) { exotest.Golden(t, otherRun(t), "testdata/mixed.golden") }},
		{"One, failed", func(t testing.TB) {
			exotest.Run(t, failing(errors.New("boom")), Text{}, exo.None{}).One(t)
		}},
		{"One, pruned", func(t testing.TB) {
			exotest.Run(t, failing(exo.Prune(map[string]any{"why": "so"})), Text{}, exo.None{}).One(t)
		}},
		{"One, requeued", func(t testing.TB) {
			exotest.Run(t, failing(exo.RequeueAfter(time.Minute)), Text{}, exo.None{}).One(t)
		}},
		{"One, several", func(t testing.TB) { exotest.Run(t, split, Text{"a b"}, exo.None{}).One(t) }},
		{"Drive, invalid", func(t testing.TB) {
			g, _ := one(echo, Text{"${{ store.cursor }}"})
			exo.Add(g, "only", echo, Text{"${{ later.outputs.text }}"})
			exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{})
		}},
		{"Upsert, invalid", func(t testing.TB) { exotest.NewStateManager(t).Upsert(t, exo.NewGraph("empty")) }},
		{"Trigger, invalid", func(t testing.TB) {
			exotest.NewStateManager(t).Trigger(t, newShout("a").graph, exo.TriggerOptions{StartDelay: -time.Second})
		}},
		{"Drive, endless", func(t testing.TB) {
			g, _ := one(failing(exo.RequeueAfter(time.Minute)), Text{})
			exotest.NewStateManager(t).With(exotest.WithLimit(100)).Drive(t, g, exo.TriggerOptions{})
		}},
		{"Drive, stuck", func(t testing.TB) {
			exotest.NewStateManager(t).With(exotest.AsReference()).Drive(t, lostThere(), exo.TriggerOptions{})
		}},
		{"DriveUntil, never", func(t testing.TB) {
			sm := exotest.NewStateManager(t)
			sm.Trigger(t, newShout("a").graph, exo.TriggerOptions{})
			sm.DriveUntil(t, func() bool { return false })
		}},
		{"FailOn, unused", func(t testing.TB) {
			sm := exotest.NewStateManager(t)
			sm.FailOn("loud", 1, errors.New("boom"))
			sm.Drive(t, newShout("a").graph, exo.TriggerOptions{})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := messages(t, test.do) + "\n"
			file := filepath.Join("testdata", "messages", strings.ReplaceAll(strings.ReplaceAll(test.name, ",", ""), " ", "-")+".txt")
			if *updateMessages {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("it says (-want +got); go test -messages.update accepts it:\n%s", d)
			}
		})
	}
}

func failing(err error) *node.Node[Text, Text, exo.None] {
	return exo.Node("Fail", func(context.Context, Text, exo.None) (Text, error) { return Text{}, err })
}

// otherRun is a run like that of mixed, but for the end.
func otherRun(t testing.TB) *exo.RunResult {
	t.Helper()
	_, r, _ := mixed(t)
	last := &r.States[len(r.States)-1]
	last.Inputs = []byte(`{"text":"something"}`)
	return r
}

func TestGoldenIsWritten(t *testing.T) {
	_, r, _ := mixed(t)
	file := filepath.Join(t.TempDir(), "new", "x.golden")
	if err := flag.Set("exotest.update", "true"); err != nil {
		t.Fatal(err)
	}
	exotest.Golden(t, r, file)
	if err := flag.Set("exotest.update", "false"); err != nil {
		t.Fatal(err)
	}
	exotest.Golden(t, r, file)
	if got, err := os.ReadFile(file); err != nil || string(got) != exotest.Transcript(r) {
		t.Errorf("%s, %v", got, err)
	}
}
