package exo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

type traceKey string

// observed is a trace whose Started does what it is told to, and what the others
// found in their contexts under the keys "a" and "b".
type observed struct {
	started func(context.Context) context.Context

	mu   sync.Mutex
	seen []string
}

func (o *observed) see(ctx context.Context, where string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, fmt.Sprint(where, " ", exo.Info(ctx).Identifier, " ", ctx.Value(traceKey("a")), " ", ctx.Value(traceKey("b"))))
}

// Finished and Reported may be called in either order: what they saw is sorted.
func (o *observed) sorted() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := slices.Clone(o.seen)
	slices.Sort(seen[min(1, len(seen)):])
	return seen
}

func (o *observed) trace() exo.RuntimeOption {
	return exo.WithTrace(&exo.Trace{
		Started: func(ctx context.Context, _ node.Info) context.Context {
			o.see(ctx, "started")
			return o.started(ctx)
		},
		Finished: func(ctx context.Context, _ node.Info, _ exo.Outcome, _ time.Duration) { o.see(ctx, "finished") },
		Reported: func(ctx context.Context, _ node.Info, _ exo.Outcome, _ time.Duration, err error) {
			o.see(ctx, fmt.Sprint("reported ", err))
		},
	})
}

func with(key traceKey) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context { return context.WithValue(ctx, key, string(key)+"!") }
}

// TestTraceContext: what Started returns is handed to the next trace, to the
// node, and to the other hooks of the state.
func TestTraceContext(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first, second func(context.Context) context.Context
		inNode        string
	}{
		"both":         {with("a"), with("b"), "a! b!"},
		"nil":          {func(context.Context) context.Context { return nil }, with("b"), "<nil> b!"},
		"nil after":    {with("a"), func(context.Context) context.Context { return nil }, "a! <nil>"},
		"a panic":      {with("a"), func(context.Context) context.Context { panic("in a hook") }, "a! <nil>"},
		"another root": {with("a"), func(context.Context) context.Context { return with("b")(context.Background()) }, "<nil> b!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bubble) {
				var inNode string
				g := exo.NewGraph("traced")
				exo.Add(g, "step", exo.Node("Work", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
					inNode = fmt.Sprint(ctx.Value(traceKey("a")), " ", ctx.Value(traceKey("b")))
					if exo.Info(ctx).Identifier != "step" || ctx.Err() != nil {
						t.Errorf("%+v, %v", exo.Info(ctx), ctx.Err())
					}
					return in, nil
				}), Text{"in"})
				first, second := &observed{started: test.first}, &observed{started: test.second}
				w := b.worker(nil, g.Nodes(), first.trace(), second.trace())
				w.finish(b, b.trigger(g))
				want := []string{"started step <nil> <nil>", "finished step " + test.inNode, "reported <nil> step " + test.inNode}
				if inNode != test.inNode || !slices.Equal(first.sorted(), want) {
					t.Errorf("in the node %q, in the hooks %q; want %q", inNode, first.sorted(), want)
				}
				if seen := second.sorted(); len(seen) != 3 || !slices.Equal(seen[1:], want[1:]) {
					t.Errorf("in the second's hooks %q, want %q", seen, want)
				}
			})
		})
	}
}

// TestTraceContextCannotHold: a context that Started makes up neither cancels the
// node nor keeps it from being cancelled.
func TestTraceContextCannotHold(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		var before, after error
		began := make(chan struct{})
		g := exo.NewGraph("held")
		exo.Add(g, "step", exo.Node("Work", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
			before = ctx.Err()
			close(began)
			<-ctx.Done()
			after = ctx.Err()
			return in, ctx.Err()
		}), Text{"in"})
		o := &observed{started: func(context.Context) context.Context { return ended }}
		w := b.worker(nil, g.Nodes(), o.trace(), exo.WithDrainTimeout(time.Second))
		b.trigger(g)
		<-began
		if err := w.stop(); !errors.Is(err, exo.ErrDrainTimeout) {
			t.Errorf("Run: %v", err)
		}
		if before != nil || !errors.Is(after, context.Canceled) {
			t.Errorf("the node's context ended with %v at its start, and with %v at the drain", before, after)
		}
	})
}

// TestTraceInPairs: Started and Finished are called once each for a state whose
// secrets cannot be had.
func TestTraceInPairs(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		for name, secrets := range map[string]func() (transport.Secrets, error){
			"refused": func() (transport.Secrets, error) { return nil, &transport.Error{Op: "get secrets", Status: 404} },
			"panic":   func() (transport.Secrets, error) { panic("in a round tripper") },
		} {
			type key struct {
				Key exo.Secret `json:"key"`
			}
			g := exo.NewGraph("pairs").Retry(exo.NoRetry()).Secrets(exo.Fields(key{"canary"}))
			exo.Add(g, "step", exo.Node("Work", func(_ context.Context, in Text, _ key) (Text, error) {
				t.Errorf("%s: the node was called", name)
				return in, nil
			}), Text{"in"})
			o := &observed{started: with("a")}
			w := b.workerOn(keyless{b.sm, secrets}, nil, g.Nodes(), o.trace())
			b.wait(b.trigger(g))
			w.stopped()
			if want := []string{"started step <nil> <nil>", "finished step a! <nil>", "reported <nil> step a! <nil>"}; !slices.Equal(o.sorted(), want) {
				t.Errorf("%s: %q, want %q", name, o.sorted(), want)
			}
		}
	})
}

type keyless struct {
	transport.Provider

	secrets func() (transport.Secrets, error)
}

func (k keyless) Namespace(name string) transport.Transport {
	return keylessNamespace{k.Provider.Namespace(name), k.secrets}
}

type keylessNamespace struct {
	transport.Transport

	secrets func() (transport.Secrets, error)
}

func (k keylessNamespace) Secrets(context.Context, string) (transport.Secrets, error) {
	return k.secrets()
}

// TestTraceLogger: hooks log as nodes do.
func TestTraceLogger(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		core, logs := observer.New(zap.InfoLevel)
		g := exo.NewGraph("logged")
		exo.Add(g, "step", exo.Node("Work", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil }), Text{"in"})
		w := b.worker(nil, g.Nodes(), exo.WithLogger(zap.New(core)), exo.WithTrace(&exo.Trace{
			Finished: func(ctx context.Context, _ node.Info, o exo.Outcome, _ time.Duration) {
				exo.Logger(ctx).Info("ended", zap.Stringer("as", o.Kind))
			},
		}))
		r := b.trigger(g)
		w.finish(b, r)
		lines := logs.FilterMessage("ended").All()
		if len(lines) != 1 || lines[0].ContextMap()["run_id"] != r.ID || lines[0].ContextMap()["identifier"] != "step" {
			t.Errorf("%+v", lines)
		}
	})
}
