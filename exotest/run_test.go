package exotest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
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

func TestRun(t *testing.T) {
	t.Parallel()
	if got := exotest.Run(t, upper, Text{"a ${{ b }} \"c\" <d> ü"}, exo.None{}).One(t); got.Text != `A ${{ B }} "C" <D> Ü` {
		t.Errorf("%q", got.Text)
	}
	words := exotest.Run(t, split, Text{"a bee sees"}, exo.None{}).All(t)
	if d := cmp.Diff([]Text{{"a"}, {"bee"}, {"sees"}}, words); d != "" {
		t.Error(d)
	}
	if none := exotest.Run(t, split, Text{}, exo.None{}).All(t); len(none) != 0 {
		t.Errorf("%v", none)
	}
}

// What a node returns is judged as a runtime judges it.
func TestRunTellsSignalsFromFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do      func() (Text, error)
		result  string // in its String
		err     error  // found by errors.Is
		final   bool
		pruned  map[string]any
		requeue time.Duration
	}{
		"output":            {do: func() (Text, error) { return Text{"x"}, nil }, result: "gave 1 outputs"},
		"error":             {do: func() (Text, error) { return Text{}, fs.ErrExist }, result: "failed: file already exists", err: fs.ErrExist},
		"permanent":         {do: func() (Text, error) { return Text{}, exo.Permanent(fs.ErrExist) }, result: "failed: file already exists", err: fs.ErrExist, final: true},
		"panic":             {do: func() (Text, error) { panic("oh no") }, result: "failed: panic: oh no"},
		"goexit":            {do: func() (Text, error) { runtime.Goexit(); return Text{}, nil }, result: "failed: node called runtime.Goexit"},
		"prune":             {do: func() (Text, error) { return Text{}, exo.Prune(map[string]any{"why": "so"}) }, result: `pruned its branch, with {"why":"so"}`, pruned: map[string]any{"why": "so"}},
		"prune without":     {do: func() (Text, error) { return Text{}, exo.Prune(nil) }, result: `pruned its branch, with {}`, pruned: map[string]any{}},
		"prune, no JSON":    {do: func() (Text, error) { return Text{}, exo.Prune(map[string]any{"f": func() {}}) }, result: "failed: prune: encode data"},
		"requeue":           {do: func() (Text, error) { return Text{}, exo.RequeueAfter(time.Hour) }, result: "asked to be run again after 1h0m0s", requeue: time.Hour},
		"requeue at once":   {do: func() (Text, error) { return Text{}, exo.RequeueAfter(0) }, result: "failed: requeue: duration must be positive"},
		"too large":         {do: func() (Text, error) { return Text{strings.Repeat("x", 16<<20)}, nil }, result: "pass large data by reference", final: true},
		"a very long error": {do: func() (Text, error) { return Text{}, errors.New(strings.Repeat("ä", 10000)) }, result: "ä… (cut)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := exo.Node("Do", func(context.Context, Text, exo.None) (Text, error) { return test.do() })
			r := exotest.Run(t, n, Text{}, exo.None{}, exotest.WithLogger(zap.NewNop()))
			if !strings.Contains(r.String(), test.result) {
				t.Errorf("%q, want %q in it", r, test.result)
			}
			if test.err != nil && !errors.Is(r.Err, test.err) {
				t.Errorf("%v is not %v", r.Err, test.err)
			}
			if (r.Err != nil) != strings.HasPrefix(r.String(), "failed") || node.IsPermanent(r.Err) != test.final {
				t.Errorf("error %v, permanent: %v", r.Err, node.IsPermanent(r.Err))
			}
			if d := cmp.Diff(test.pruned, r.PruneData); d != "" || r.Pruned != (test.pruned != nil) {
				t.Errorf("pruned: %v, data (-want +got):\n%s", r.Pruned, d)
			}
			if r.RequeueAfter != test.requeue {
				t.Errorf("requeue after %v", r.RequeueAfter)
			}
		})
	}
}

type optional struct {
	Must string `json:"must"`
	May  string `json:"may" jsonschema:"default=preset"`
}

type key struct {
	Key exo.Secret `json:"key"`
}

func TestRunFields(t *testing.T) {
	t.Parallel()
	n := exo.Node("Do", func(_ context.Context, in optional, sec key) (Text, error) {
		return Text{in.Must + "/" + in.May + "/" + sec.Key.Reveal()}, nil
	})
	for name, test := range map[string]struct {
		inputs, secrets map[string]string
		out, err        string
	}{
		"default":        {map[string]string{"must": "a"}, map[string]string{"key": "k"}, "a/preset/k", ""},
		"all":            {map[string]string{"must": "a", "may": "b"}, map[string]string{"key": "k"}, "a/b/k", ""},
		"empty":          {map[string]string{"must": "", "may": ""}, map[string]string{"key": ""}, "//", ""},
		"unknown fields": {map[string]string{"must": "a", "more": "x"}, map[string]string{"key": "k", "more": "x"}, "a/preset/k", ""},
		"missing input":  {nil, map[string]string{"key": "k"}, "", "decode inputs:"},
		"missing secret": {map[string]string{"must": "a"}, nil, "", "decode secrets:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := exotest.RunFields(t, n, test.inputs, test.secrets)
			if test.err != "" {
				if r.Err == nil || !strings.Contains(r.Err.Error(), test.err) {
					t.Errorf("%v, want %q", r.Err, test.err)
				}
				return
			}
			if got := r.One(t).Text; got != test.out {
				t.Errorf("%q, want %q", got, test.out)
			}
		})
	}
	bad := exotest.RunFields(t, join, map[string]string{"words": "not JSON"}, nil)
	if bad.Err == nil || !strings.Contains(bad.Err.Error(), `field "words": "not JSON" is not a valid []string`) {
		t.Errorf("%v", bad.Err)
	}
}

func TestRunGivesANodeItsSurroundings(t *testing.T) {
	t.Parallel()
	type contextKey struct{}
	cursor := store.NewKey[int]("cursor")
	var infos []node.Info
	var deadline bool
	n := exo.Node("Do", func(ctx context.Context, in Text, sec key) (Text, error) {
		infos = append(infos, exo.Info(ctx))
		_, deadline = ctx.Deadline()
		exo.Logger(ctx).Info("the key is " + sec.Key.Reveal())
		if ctx.Value(contextKey{}) != "value" {
			return in, errors.New("the context is not the test's")
		}
		_, err := cursor.Update(ctx, func(c int, _ bool) (int, error) { return c + 1, nil })
		return in, err
	}, exo.WithTimeout(time.Hour))
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
	want := node.Info{
		StateID: "id", Node: "Do", Identifier: "do", Namespace: "etl", Runtime: "worker", Graph: "g", RunID: "r", Attempt: 2,
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	opts := []exotest.RunOption{
		exotest.WithContext(context.WithValue(t.Context(), contextKey{}, "value")), exotest.WithLogger(zap.New(core)),
		exotest.WithMiddleware(note("a"), note("b")), exotest.WithMiddleware(note("c")), exotest.WithStore(map[string]string{"cursor": "41", "other": "x"}),
	}
	for _, o := range [][]exotest.RunOption{opts, append(opts, exotest.WithInfo(want))} {
		r := exotest.Run(t, n, Text{}, key{"canary"}, o...)
		r.One(t)
		if d := cmp.Diff(map[string]string{"cursor": "42", "other": "x"}, r.Store); d != "" {
			t.Errorf("store:\n%s", d)
		}
	}
	if d := cmp.Diff([]string{"a", "b", "c", "a", "b", "c"}, order); d != "" {
		t.Errorf("middleware:\n%s", d)
	}
	if i := infos[0]; i.Node != "Do" || i.Identifier != "step" || i.Namespace != "test" || i.Graph != "test" || i.Runtime != "exotest" || i.StateID == "" || i.RunID == "" {
		t.Errorf("%+v", i)
	}
	if d := cmp.Diff(want, infos[1]); d != "" {
		t.Errorf("WithInfo:\n%s", d)
	}
	if !deadline {
		t.Error("WithTimeout is lost")
	}
	if got := logs.All()[0].Message; got != "the key is [REDACTED]" {
		t.Errorf("logged %q", got)
	}
}

// The store of a single node is that of the engine.
func TestRunWithAStore(t *testing.T) {
	t.Parallel()
	seen := store.NewKey[bool]("seen")
	n := exo.Node("Do", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		all, err := seen.All(ctx)
		if err != nil || len(all) != 1 || !all["a"] {
			return in, fmt.Errorf("%v, %w", all, err)
		}
		return in, errors.Join(seen.At("a").Delete(ctx), seen.At("b").Set(ctx, true), seen.At(in.Text).Set(ctx, true))
	})
	r := exotest.Run(t, n, Text{"c"}, exo.None{}, exotest.WithStore(map[string]string{"seen/a": "true"}))
	r.One(t)
	if d := cmp.Diff(map[string]string{"seen/b": "true", "seen/c": "true"}, r.Store); d != "" {
		t.Error(d)
	}
	tooLong := exotest.Run(t, n, Text{strings.Repeat("x", 1000)}, exo.None{}, exotest.WithStore(map[string]string{"seen/a": "true"}))
	if tooLong.Err == nil || !strings.Contains(tooLong.Err.Error(), "at most 512 bytes") {
		t.Errorf("%v", tooLong.Err)
	}
}

func TestRunHidesSecretsInErrors(t *testing.T) {
	t.Parallel()
	leak := errors.New("refused: canary")
	n := exo.Node("Do", func(context.Context, Text, key) (Text, error) { return Text{}, leak })
	r := exotest.Run(t, n, Text{}, key{"canary"})
	if got := r.Err.Error(); got != "refused: [REDACTED]" || !errors.Is(r.Err, leak) {
		t.Errorf("%q", got)
	}
}

func TestRunMisused(t *testing.T) {
	t.Parallel()
	remote := exo.Remote[Text, Text]("others", "Remote")
	for name, test := range map[string]struct {
		do   func(t testing.TB)
		want string
	}{
		"remote": {func(t testing.TB) { exotest.Run(t, remote, Text{}, exo.None{}) }, `node "Remote" is Remote`},
		"another's": {func(t testing.TB) {
			exotest.Run(t, upper, Text{}, exo.None{}, exotest.WithInfo(node.Info{Node: "Other"}))
		}, `WithInfo is about node "Other", and node "Upper" is run`},
		"a bad store": {func(t testing.TB) {
			exotest.Run(t, upper, Text{}, exo.None{}, exotest.WithStore(map[string]string{strings.Repeat("k", 1000): ""}))
		}, "at most 512 bytes"},
		"fatal in node": {func(t testing.TB) {
			exotest.Run(t, exo.Node("Do", func(_ context.Context, in Text, _ exo.None) (Text, error) { t.Fatal("from within"); return in, nil }), Text{}, exo.None{})
			t.Error("the test went on")
		}, "from within\n(the test ends)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := messages(t, test.do)
			if !strings.Contains(got, test.want) || !strings.HasSuffix(got, "(the test ends)") {
				t.Errorf("%q, want %q in it", got, test.want)
			}
		})
	}
}
