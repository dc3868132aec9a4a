package exo_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestRunExecutesAGraph(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		split := exo.FanOut("Split", func(_ context.Context, in Text, _ exo.None) ([]Text, error) {
			var words []Text
			for w := range strings.FieldsSeq(in.Text) {
				words = append(words, Text{w})
			}
			return words, nil
		})
		upper := exo.Node("Upper", func(_ context.Context, in Text, _ exo.None) (Text, error) {
			return Text{strings.ToUpper(in.Text)}, nil
		})
		g := exo.NewGraph("shout")
		words := exo.Add(g, "words", split, Text{"nothing"})
		loud := exo.Add(g, "loud", upper, Text{words.Out.Text + "!"}, exo.After(words))

		_, stop := b.serve(g.Nodes())
		result := b.run(g, exo.TriggerOptions{Inputs: exo.Fields(Text{"a bee sees"})})
		if result.Status != exo.RunSuccess {
			t.Fatalf("run is %s: %v", result.Status, result.Err())
		}
		got, err := exo.Outputs(result, loud)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Text{{"A!"}, {"BEE!"}, {"SEES!"}}, got); diff != "" {
			t.Errorf("outputs (-want +got):\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestWhatANodeReturnsDecidesItsState(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	tests := []struct {
		name   string
		do     func(ctx context.Context) (Text, error)
		status transport.Status // of the last state
		states int
		err    string
	}{
		{"output", func(context.Context) (Text, error) { return Text{"out"}, nil }, transport.StatusSuccess, 1, ""},
		{"error", func(context.Context) (Text, error) { return Text{}, boom }, transport.StatusErrored, 3, "boom"},
		{"permanent", func(context.Context) (Text, error) { return Text{}, exo.Permanent(boom) }, transport.StatusErrored, 1, "boom"},
		{"panic", func(context.Context) (Text, error) { panic("oh no") }, transport.StatusErrored, 3, "panic: oh no"},
		{"goexit", func(context.Context) (Text, error) { runtime.Goexit(); return Text{}, nil }, transport.StatusErrored, 3, "runtime.Goexit"},
		{"prune", func(context.Context) (Text, error) { return Text{}, exo.Prune(map[string]any{"why": 1}) }, transport.StatusPruned, 1, ""},
		{"prune with data that is not JSON", func(context.Context) (Text, error) {
			return Text{}, exo.Permanent(exo.Prune(map[string]any{"why": func() {}}))
		}, transport.StatusErrored, 3, "prune: encode data"},
		{"requeue for never", func(context.Context) (Text, error) { return Text{}, exo.RequeueAfter(0) }, transport.StatusErrored, 3, "must be positive"},
		{"too much", func(context.Context) (Text, error) { return Text{strings.Repeat("x", 16<<20)}, nil }, transport.StatusErrored, 1, "pass large data by reference"},
		{"a long error", func(context.Context) (Text, error) { return Text{}, errors.New(strings.Repeat("ä", 10000)) }, transport.StatusErrored, 3, "ä… (cut)"},
		{"time-out", func(ctx context.Context) (Text, error) { <-ctx.Done(); return Text{}, ctx.Err() }, transport.StatusErrored, 3, `node "Do": timed out after 1m0s`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bubble) {
				n := exo.Node("Do", func(ctx context.Context, _ Text, _ exo.None) (Text, error) { return test.do(ctx) }, exo.WithTimeout(time.Minute))
				g, _ := one(n)
				g.Retry(exo.RetryPolicy{MaxRetries: 2, Strategy: exo.Fixed, Backoff: time.Second})
				_, stop := b.serve(g.Nodes(), exo.WithWorkers(1))
				result := b.run(g, exo.TriggerOptions{})
				if err := stop(); err != nil {
					t.Errorf("Run: %v", err)
				}
				if len(result.States) != test.states {
					t.Fatalf("%d states, want %d: %+v", len(result.States), test.states, result.States)
				}
				last := result.States[len(result.States)-1]
				if last.Status != test.status {
					t.Errorf("status %s, want %s", last.Status, test.status)
				}
				if !strings.Contains(last.Error, test.err) || (test.err == "") != (last.Error == "") {
					t.Errorf("error %q, want %q in it", last.Error, test.err)
				}
				if len(last.Error) > 8<<10 {
					t.Errorf("error of %d bytes", len(last.Error))
				}
			})
		})
	}
}

func TestRequeueRunsTheSameStateAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		var ids []string
		n := exo.Node("Wait", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
			ids = append(ids, exo.Info(ctx).StateID)
			if len(ids) < 3 {
				return Text{}, exo.RequeueAfter(time.Hour)
			}
			return in, nil
		})
		g, _ := one(n)
		_, stop := b.serve(g.Nodes())
		started := time.Now()
		result := b.run(g, exo.TriggerOptions{})
		if got := time.Since(started); got < 2*time.Hour || got > 2*time.Hour+time.Second {
			t.Errorf("took %v, want two hours", got)
		}
		if len(result.States) != 1 || len(ids) != 3 || ids[0] != ids[2] {
			t.Errorf("%d states, executed as %v", len(result.States), ids)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestInfoAndLoggerSayWhichState(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		core, logs := observer.New(zapcore.InfoLevel)
		var info node.Info
		n := exo.Node("Do", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
			info = exo.Info(ctx)
			exo.Logger(ctx).Info("from the node")
			return in, nil
		})
		g, _ := one(n)
		_, stop := b.serve(g.Nodes(), exo.WithLogger(zap.New(core)))
		result := b.run(g, exo.TriggerOptions{})
		_ = stop()
		want := node.Info{
			StateID: result.States[0].ID, Node: "Do", Identifier: "only", Namespace: namespace, Runtime: "worker",
			Graph: "one", RunID: result.ID, CreatedAt: result.States[0].CreatedAt,
		}
		if diff := cmp.Diff(want, info); diff != "" {
			t.Errorf("Info (-want +got):\n%s", diff)
		}
		lines := logs.FilterMessage("from the node").All()
		if len(lines) != 1 {
			t.Fatalf("%d lines", len(lines))
		}
		fields := lines[0].ContextMap()
		for name, value := range map[string]string{"state_id": want.StateID, "run_id": want.RunID, "node": "Do", "identifier": "only"} {
			if fields[name] != value {
				t.Errorf("field %s is %v, want %v", name, fields[name], value)
			}
		}
	})
	if exo.Info(t.Context()) != (node.Info{}) {
		t.Error("Info outside a node is not zero")
	}
	exo.Logger(t.Context()).Info("discarded")
}

func TestMiddlewareWrapsFirstOutermost(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		var calls []string
		trace := func(name string) node.Middleware {
			return func(next node.Handler) node.Handler {
				return func(ctx context.Context, req *node.Request) ([]transport.Object, error) {
					calls = append(calls, name+" before")
					out, err := next(ctx, req)
					calls = append(calls, name+" after")
					return out, err
				}
			}
		}
		g, _ := one(exo.Node("Do", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil }))
		_, stop := b.serve(g.Nodes(), exo.WithMiddleware(trace("a"), trace("b")), exo.WithMiddleware(trace("c")))
		b.run(g, exo.TriggerOptions{})
		_ = stop()
		want := []string{"a before", "b before", "c before", "c after", "b after", "a after"}
		if diff := cmp.Diff(want, calls); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRuntimeClaimsOnlyForIdleWorkers(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		const workers, limit = 4, 2
		var all, few, mostAll, mostFew atomic.Int64
		work := func(running, most *atomic.Int64) func(context.Context, Text, exo.None) (Text, error) {
			return func(_ context.Context, in Text, _ exo.None) (Text, error) {
				n := running.Add(1)
				defer running.Add(-1)
				for {
					m := most.Load()
					if n <= m || most.CompareAndSwap(m, n) {
						break
					}
				}
				time.Sleep(time.Second)
				return in, nil
			}
		}
		split := exo.FanOut("Split", func(context.Context, Text, exo.None) ([]Text, error) { return make([]Text, 20), nil })
		plain := exo.Node("Plain", work(&all, &mostAll))
		limited := exo.Node("Limited", work(&few, &mostFew), exo.WithConcurrency(limit))
		g := exo.NewGraph("many")
		s := exo.Add(g, "split", split, Text{})
		exo.Add(g, "plain", plain, s.Out, exo.After(s))
		exo.Add(g, "limited", limited, s.Out, exo.After(s))

		var claimed []int
		trace := &exo.Trace{Claimed: func(asked, got int, _ time.Duration, _ error) {
			if got > asked {
				t.Errorf("asked for %d, got %d", asked, got)
			}
			claimed = append(claimed, asked)
		}}
		_, stop := b.serve(g.Nodes(), exo.WithWorkers(workers), exo.WithTrace(trace))
		if result := b.run(g, exo.TriggerOptions{}); result.Status != exo.RunSuccess {
			t.Fatal(result.Err())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := mostFew.Load(); got != limit {
			t.Errorf("%d states of the limited node at once, want %d", got, limit)
		}
		if got := mostAll.Load(); got < 2 || got > workers {
			t.Errorf("%d states of the other node at once, want 2 to %d", got, workers)
		}
		for _, n := range claimed {
			if n < 1 || n > workers {
				t.Errorf("asked for %d states with %d workers", n, workers)
			}
		}
	})
}

func TestDrain(t *testing.T) {
	t.Parallel()
	slow := func(d time.Duration, started chan<- struct{}) *node.Node[Text, Text, exo.None] {
		return exo.Node("Slow", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
			close(started)
			select {
			case <-time.After(d):
				return in, nil
			case <-ctx.Done():
				return Text{}, ctx.Err()
			}
		})
	}
	begin := func(b *bubble, n *node.Node[Text, Text, exo.None], started <-chan struct{}, opts ...exo.RuntimeOption) (*exo.Runtime, *exo.Run, func() error) {
		g, _ := one(n)
		rt, stop := b.serve(g.Nodes(), opts...)
		m := b.manager()
		if _, err := m.UpsertGraph(b.t.Context(), g); err != nil {
			b.t.Fatal(err)
		}
		r, err := m.Trigger(b.t.Context(), g.Name(), exo.TriggerOptions{})
		if err != nil {
			b.t.Fatal(err)
		}
		<-started
		return rt, r, stop
	}
	statuses := func(t *testing.T, r *exo.Run) map[transport.Status]int {
		g, err := r.Graph(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found := map[transport.Status]int{}
		for _, s := range g.States {
			found[s.Status]++
		}
		return found
	}

	t.Run("waits for executing nodes", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, b *bubble) {
			started := make(chan struct{})
			_, r, stop := begin(b, slow(20*time.Second, started), started)
			began := time.Now()
			if err := stop(); err != nil {
				t.Errorf("Run: %v", err)
			}
			if took := time.Since(began); took != 20*time.Second {
				t.Errorf("drained in %v", took)
			}
			if diff := cmp.Diff(map[transport.Status]int{transport.StatusSuccess: 1}, statuses(t, r)); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("puts back what outlasts the drain time-out", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, b *bubble) {
			started := make(chan struct{})
			_, r, stop := begin(b, slow(time.Hour, started), started, exo.WithDrainTimeout(time.Minute))
			began := time.Now()
			if err := stop(); !errors.Is(err, exo.ErrDrainTimeout) {
				t.Errorf("Run: %v, want ErrDrainTimeout", err)
			}
			if took := time.Since(began); took < time.Minute || took > time.Minute+10*time.Second {
				t.Errorf("drained in %v", took)
			}
			// Put back, not errored: no attempt is burnt.
			if diff := cmp.Diff(map[transport.Status]int{transport.StatusCreated: 1}, statuses(t, r)); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("puts back what ignores its context", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, b *bubble) {
			started := make(chan struct{})
			stubborn := exo.Node("Slow", func(_ context.Context, in Text, _ exo.None) (Text, error) {
				close(started)
				time.Sleep(10 * time.Minute)
				return in, nil
			})
			_, r, stop := begin(b, stubborn, started, exo.WithDrainTimeout(time.Minute))
			if err := stop(); !errors.Is(err, exo.ErrDrainTimeout) {
				t.Errorf("Run: %v, want ErrDrainTimeout", err)
			}
			if diff := cmp.Diff(map[transport.Status]int{transport.StatusCreated: 1}, statuses(t, r)); diff != "" {
				t.Error(diff)
			}
			time.Sleep(time.Hour) // the node's late return changes nothing
			if diff := cmp.Diff(map[transport.Status]int{transport.StatusCreated: 1}, statuses(t, r)); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("by Shutdown", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, b *bubble) {
			started := make(chan struct{})
			rt, r, stop := begin(b, slow(20*time.Second, started), started)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := rt.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Shutdown with a short context: %v", err)
			}
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					if err := rt.Shutdown(t.Context()); err != nil {
						t.Errorf("Shutdown: %v", err)
					}
				})
			}
			wg.Wait()
			if diff := cmp.Diff(map[transport.Status]int{transport.StatusSuccess: 1}, statuses(t, r)); diff != "" {
				t.Error(diff)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			if err := rt.Run(t.Context()); !errors.Is(err, exo.ErrRuntimeClosed) {
				t.Errorf("second Run: %v", err)
			}
		})
	})
	t.Run("by Close, which waits for no node", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, b *bubble) {
			m := b.manager()
			var cause error
			g, _ := one(exo.Node("Waits", func(ctx context.Context, _ Text, _ exo.None) (Text, error) {
				<-ctx.Done()
				cause = context.Cause(ctx)
				return Text{}, ctx.Err()
			}))
			rt, stop := b.serve(g.Nodes(), exo.WithDrainTimeout(time.Hour))
			if _, err := m.UpsertGraph(t.Context(), g); err != nil {
				t.Fatal(err)
			}
			run, err := m.Trigger(t.Context(), "one", exo.TriggerOptions{})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			shut := make(chan error, 1)
			go func() { shut <- rt.Shutdown(t.Context()) }()
			time.Sleep(time.Minute)
			began := time.Now()
			rt.Close()
			rt.Close()
			if took := time.Since(began); took != 0 || !errors.Is(cause, exo.ErrDrainTimeout) {
				t.Errorf("took %v, the node ended by %v", took, cause)
			}
			if err := errors.Join(<-shut); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			if err := stop(); !errors.Is(err, exo.ErrDrainTimeout) {
				t.Errorf("Run: %v", err)
			}
			if info, err := run.Status(t.Context()); err != nil || info.Status != exo.RunPending || info.Retried != 0 {
				t.Errorf("%+v, %v, want a state that was requeued", info, err)
			}
		})
	})
	t.Run("Close before Run", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, b *bubble) {
			rt, err := exo.NewRuntime(namespace, "worker", exo.Nodes(echo), exo.WithStateManager(b.sm), exo.WithLogger(zap.NewNop()))
			if err != nil {
				t.Fatal(err)
			}
			rt.Close()
			if err := rt.Run(t.Context()); !errors.Is(err, exo.ErrRuntimeClosed) {
				t.Errorf("%v", err)
			}
		})
	})
	t.Run("Shutdown before Run", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, b *bubble) {
			rt, err := exo.NewRuntime(namespace, "w", exo.Nodes(slow(0, nil)), exo.WithStateManager(b.sm), exo.WithLogger(zap.NewNop()))
			if err != nil {
				t.Fatal(err)
			}
			if err := rt.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if err := rt.Run(t.Context()); !errors.Is(err, exo.ErrRuntimeClosed) {
				t.Errorf("Run: %v", err)
			}
		})
	})
	t.Run("an idle runtime stops at once", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, b *bubble) {
			_, stop := b.serve(exo.Nodes(slow(0, nil)))
			synctest.Wait()
			began := time.Now()
			if err := stop(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("took %v", took)
			}
		})
	})
}

func TestNewRuntimeSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	n := exo.Node("A", func(context.Context, exo.None, exo.None) (exo.None, error) { return exo.None{}, nil })
	sm := local.New()
	defer func() { _ = sm.Close() }()
	_, err := exo.NewRuntime(" ", "", exo.Nodes(n, nil, n, exo.Remote[Text, Text]("other", "R")), exo.WithStateManager(sm), exo.WithWorkers(0), exo.WithBatchSize(-1),
		exo.WithPollInterval(0), exo.WithDrainTimeout(-1), exo.WithLease(-1), exo.WithReportBackoff(nil))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"namespace is empty", "name is empty", "node 1 is nil", `duplicate node "A"`, `node "R" is Remote`, "WithWorkers", "WithBatchSize",
		"WithPollInterval", "WithDrainTimeout", "WithLease", "WithReportBackoff",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
	if _, err := exo.NewRuntime("ns", "w", nil, exo.WithStateManager(sm)); err == nil {
		t.Error("a runtime without nodes is accepted")
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("EXOSPHERE_STATE_MANAGER_URI", "")
	t.Setenv("EXOSPHERE_DISABLE_DEFAULT_LOGGING", "true")
	if _, err := exo.NewStateManager("ns"); err == nil || !strings.Contains(err.Error(), "EXOSPHERE_STATE_MANAGER_URI") {
		t.Errorf("without a URL: %v", err)
	}
	t.Setenv("EXOSPHERE_STATE_MANAGER_URI", "http://localhost:1")
	if _, err := exo.NewStateManager("ns"); err != nil {
		t.Error(err)
	}
	t.Setenv("EXOSPHERE_DISABLE_DEFAULT_LOGGING", "false")
	t.Setenv("EXOSPHERE_LOG_LEVEL", "LOUD")
	if _, err := exo.NewStateManager("ns"); err == nil || !strings.Contains(err.Error(), "EXOSPHERE_LOG_LEVEL") {
		t.Errorf("with a strange level: %v", err)
	}
	for _, level := range []string{"", "debug", "INFO", "WARNING", "ERROR", "CRITICAL"} {
		t.Setenv("EXOSPHERE_LOG_LEVEL", level)
		if _, err := exo.NewStateManager("ns"); err != nil {
			t.Errorf("%s: %v", level, err)
		}
	}
	if _, err := exo.NewStateManager("ns", exo.WithURL("ftp://x")); err == nil {
		t.Error("a URL that is no HTTP is accepted")
	}
}

type key struct {
	Key exo.Secret `json:"api_key"`
}

// A secret must not leave the runtime, whatever the node does with it.
func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	const canary = "s3cr3t-canary"
	ways := map[string]func(ctx context.Context, k string) (Text, error){
		"error": func(_ context.Context, k string) (Text, error) { return Text{}, fmt.Errorf("bad key %s", k) },
		"wrapped": func(_ context.Context, k string) (Text, error) {
			return Text{}, exo.Permanent(fmt.Errorf("x: %w", errors.New(k)))
		},
		"panic": func(_ context.Context, k string) (Text, error) { panic(k) },
		"log": func(ctx context.Context, k string) (Text, error) {
			l := exo.Logger(ctx).With(zap.String("with", k))
			l.Info("key "+k, zap.String("k", k), zap.Error(errors.New(k)), zap.Any("m", map[string]string{"k": k}),
				zap.ByteString("b", []byte(k)), zap.Strings("s", []string{k}), zap.Stringer("st", stringer(k)))
			return Text{}, nil
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bubble) {
				core, logs := observer.New(zapcore.DebugLevel)
				n := exo.Node("Call", func(ctx context.Context, _ exo.None, k key) (Text, error) { return way(ctx, k.Key.Reveal()) })
				g := exo.NewGraph("secret").Secrets(exo.Fields(key{canary})).Retry(exo.NoRetry())
				exo.Add(g, "call", n, exo.None{})
				var seen []string
				trace := &exo.Trace{Finished: func(_ context.Context, _ node.Info, o exo.Outcome, _ time.Duration) {
					seen = append(seen, fmt.Sprintf("%+v", o))
				}}
				_, stop := b.serve(g.Nodes(), exo.WithLogger(zap.New(core)), exo.WithTrace(trace))
				result := b.run(g, exo.TriggerOptions{})
				_ = stop()
				for _, l := range logs.All() {
					seen = append(seen, fmt.Sprintf("%s %s %v", l.Message, l.Stack, l.ContextMap()))
				}
				seen = append(seen, fmt.Sprintf("%+v", result), fmt.Sprintf("%+v", g.Spec(namespace)))
				redacted := false
				for _, s := range seen {
					if strings.Contains(s, canary) {
						t.Errorf("the secret shows in %s", s)
					}
					redacted = redacted || strings.Contains(s, "[REDACTED]")
				}
				if !redacted {
					t.Error("nothing was redacted: the secret never came near")
				}
			})
		})
	}
}

type stringer string

func (s stringer) String() string { return string(s) }
