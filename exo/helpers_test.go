package exo_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inBubble runs f in a bubble of virtual time with an embedded state manager.
func inBubble(t *testing.T, f func(t *testing.T, b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sm := local.New()
		defer func() {
			var unfinished *local.UnfinishedError // as many tests mean to leave behind
			if err := sm.Close(); err != nil && !errors.As(err, &unfinished) {
				t.Error(err)
			}
		}()
		f(t, &bubble{t: t, sm: sm})
	})
}

type bubble struct {
	t  *testing.T
	sm *local.Server
}

const namespace = "etl"

// serve starts a runtime and returns what stops it and gives Run's error.
func (b *bubble) serve(nodes []node.Any, opts ...exo.RuntimeOption) (rt *exo.Runtime, stop func() error) {
	b.t.Helper()
	opts = append([]exo.RuntimeOption{exo.WithStateManager(b.sm), exo.WithLogger(zap.NewNop())}, opts...)
	rt, err := exo.NewRuntime(namespace, "worker", nodes, opts...)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- rt.Run(ctx) }()
	<-rt.Ready()
	return rt, func() error {
		cancel()
		return <-done
	}
}

func (b *bubble) manager() *exo.StateManager {
	b.t.Helper()
	m, err := exo.NewStateManager(namespace, exo.WithStateManager(b.sm), exo.WithLogger(zap.NewNop()))
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// run writes a graph, triggers it and waits for the run.
func (b *bubble) run(g *exo.Graph, opts exo.TriggerOptions) *exo.RunResult {
	b.t.Helper()
	m := b.manager()
	ctx, cancel := context.WithTimeout(b.t.Context(), 24*time.Hour)
	defer cancel()
	if _, err := m.UpsertGraph(ctx, g); err != nil {
		b.t.Fatal(err)
	}
	r, err := m.Trigger(ctx, g.Name(), opts)
	if err != nil {
		b.t.Fatal(err)
	}
	result, err := r.Wait(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

type Text struct {
	Text string `json:"text"`
}

// one is a graph of a single step, and its step.
func one(n *node.Node[Text, Text, exo.None]) (*exo.Graph, *exo.Step[Text]) {
	g := exo.NewGraph("one")
	return g, exo.Add(g, "only", n, Text{Text: "in"})
}

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
