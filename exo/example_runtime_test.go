package exo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

// Serve is the whole of many a main. Its context is best that of
// signal.NotifyContext; here it ends as soon as the nodes are registered.
func ExampleServe() {
	sm := local.New()
	defer func() { _ = sm.Close() }()
	ctx, stop := context.WithCancel(context.Background())
	err := exo.Serve(ctx, "demo", "worker-1", exo.Nodes(toWords, toUpper),
		exo.WithStateManager(sm),
		exo.WithLogger(zap.NewNop()),
		exo.WithTrace(&exo.Trace{Registered: func(nodes []string) {
			fmt.Println("registered:", nodes)
			stop()
		}}),
	)
	fmt.Println("drained:", err)
	// Output:
	// registered: [Words Upper]
	// drained: <nil>
}

// All that can be set, with the defaults or nearly so.
func ExampleNewRuntime() {
	rt, err := exo.NewRuntime("demo", "worker-1", exo.Nodes(toWords, toUpper),
		exo.WithURL("http://127.0.0.1:8000"), // or EXOSPHERE_STATE_MANAGER_URI
		exo.WithAPIKey("a key"),              // or EXOSPHERE_API_KEY
		exo.WithHTTPClient(&http.Client{Timeout: time.Minute}),
		exo.WithLogger(zap.NewNop()),
		exo.WithWorkers(32),
		exo.WithBatchSize(32),
		exo.WithPollInterval(time.Second),
		exo.WithDrainTimeout(30*time.Second),
		exo.WithLease(30*time.Second),
		exo.WithReportBackoff(func() backoff.BackOff {
			return backoff.NewExponentialBackOff(backoff.WithMaxElapsedTime(time.Hour))
		}),
	)
	fmt.Println(rt.Stats().Registered, err)
	// Output: false <nil>
}

// A runtime lives in a program like an http.Server does.
func ExampleRuntime() {
	sm := local.New()
	defer func() { _ = sm.Close() }()
	rt, err := exo.NewRuntime("demo", "worker-1", exo.Nodes(toUpper), exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()))
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- rt.Run(context.Background()) }()
	<-rt.Ready()
	fmt.Println("registered:", rt.Stats().Registered)

	fmt.Println("shutdown:", rt.Shutdown(context.Background()))
	fmt.Println("run:", <-ended)
	fmt.Println("again:", rt.Run(context.Background()))
	// Output:
	// registered: true
	// shutdown: <nil>
	// run: <nil>
	// again: exo: runtime closed
}

// Shutdown may come from anywhere, and before Run.
func ExampleRuntime_Shutdown() {
	rt, err := exo.NewRuntime("demo", "worker-1", exo.Nodes(toUpper), exo.WithURL("http://127.0.0.1:8000"), exo.WithLogger(zap.NewNop()))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rt.Shutdown(context.Background()))
	fmt.Println(errors.Is(rt.Run(context.Background()), exo.ErrRuntimeClosed))
	// Output:
	// <nil>
	// true
}

func ExampleRuntime_Stats() {
	g := exo.NewGraph("shouting")
	words := exo.Add(g, "words", toWords, Sentence{"a b c"})
	exo.Add(g, "upper", toUpper, words.Out, exo.After(words))

	d := newDemo(g.Nodes())
	defer d.end()
	if _, err := d.start(g, exo.TriggerOptions{}).Wait(context.Background()); err != nil {
		fmt.Println(err)
	}
	stats := d.rt.Stats()
	fmt.Println("claimed", stats.Claimed, "executed", stats.Executed, "errored", stats.Errored)
	// Output: claimed 4 executed 4 errored 0
}

func ExampleRuntime_HealthHandler() {
	d := newDemo(exo.Nodes(toUpper))
	mux := http.NewServeMux()
	mux.Handle("GET /exo/", d.rt.HealthHandler())
	probe := func(path string) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		fmt.Println(path, w.Code)
	}
	probe("/exo/live")
	d.end()
	probe("/exo/live")
	probe("/exo/ready")
	// Output:
	// /exo/live 200
	// /exo/live 503
	// /exo/ready 503
}

// Middleware sees every execution: what goes in, and what comes out.
func ExampleWithMiddleware() {
	logging := func(next node.Handler) node.Handler {
		return func(ctx context.Context, req *node.Request) ([]transport.Object, error) {
			outputs, err := next(ctx, req)
			fmt.Printf("%s %s → %s %v\n", req.Info.Node, req.Inputs, outputs, err)
			return outputs, err
		}
	}
	g := exo.NewGraph("shouting")
	exo.Add(g, "upper", toUpper, Sentence{"hello"})
	d := newDemo(g.Nodes(), exo.WithMiddleware(logging))
	defer d.end()
	if _, err := d.start(g, exo.TriggerOptions{}).Wait(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: Upper {"text":"hello"} → [{"text":"HELLO"}] <nil>
}

// A Trace observes what a runtime does, for metrics and progress. What Started
// adds to the context is found by the node and by the later hooks.
func ExampleTrace() {
	type ticket struct{}
	reported := make(chan string, 1)
	trace := &exo.Trace{
		Started: func(ctx context.Context, info node.Info) context.Context {
			fmt.Println("started", info.Identifier)
			return context.WithValue(ctx, ticket{}, "ticket 7")
		},
		Finished: func(ctx context.Context, info node.Info, o exo.Outcome, _ time.Duration) {
			fmt.Println("finished", info.Identifier, o.Kind, o.Outputs, "with", ctx.Value(ticket{}))
		},
		Reported: func(_ context.Context, info node.Info, o exo.Outcome, _ time.Duration, err error) {
			reported <- fmt.Sprintln("reported", info.Identifier, o.Kind, err)
		},
	}
	g := exo.NewGraph("words")
	exo.Add(g, "words", toWords, Sentence{"one two"})
	d := newDemo(g.Nodes(), exo.WithTrace(trace))
	defer d.end()
	d.start(g, exo.TriggerOptions{})
	fmt.Print(<-reported)
	// Output:
	// started words
	// finished words executed 2 with ticket 7
	// reported words executed <nil>
}

// An Executor executes states that were claimed in another way.
func ExampleExecutor() {
	sm := local.New()
	defer func() { _ = sm.Close() }()
	where, quiet := exo.WithStateManager(sm), exo.WithLogger(zap.NewNop())
	x, err := exo.NewExecutor("demo", "by hand", exo.Nodes(toUpper), where, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	worker := sm.Namespace("demo")
	if err := worker.Register(ctx, "by hand", []transport.NodeSpec{toUpper.Spec()}); err != nil {
		fmt.Println(err)
		return
	}
	m, err := exo.NewStateManager("demo", where, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	g := exo.NewGraph("shouting")
	exo.Add(g, "upper", toUpper, Sentence{"hello"})
	if _, err := m.UpsertGraph(ctx, g); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := m.Trigger(ctx, g.Name(), exo.TriggerOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	states, err := worker.Claim(ctx, transport.ClaimRequest{Nodes: []string{"Upper"}, Max: 1})
	for _, s := range states {
		outcome := x.Execute(ctx, s)
		fmt.Println(s.Identifier, outcome.Kind, outcome.Outputs)
	}
	fmt.Println(err)
	// Output:
	// upper executed 1
	// <nil>
}

// Close is for who cannot wait for the nodes: their contexts are cancelled, and
// their states are requeued.
func ExampleRuntime_Close() {
	started := make(chan struct{})
	endless := exo.Node("Endless", func(ctx context.Context, in Sentence, _ exo.None) (Sentence, error) {
		exo.Logger(ctx).Debug("begun")
		close(started)
		<-ctx.Done()
		fmt.Println("ended by the drain:", errors.Is(context.Cause(ctx), exo.ErrDrainTimeout))
		return in, ctx.Err()
	})
	g := exo.NewGraph("endless")
	exo.Add(g, "endless", endless, Sentence{"x"})
	d := newDemo(g.Nodes())
	run := d.start(g, exo.TriggerOptions{})
	<-started
	d.rt.Close()
	d.rt.Logger().Info("closed") // with the fields namespace and runtime
	fmt.Println("Run returns ErrDrainTimeout:", errors.Is(<-d.ended, exo.ErrDrainTimeout))

	info, err := run.Status(context.Background())
	fmt.Println(info.Status, err)
	_ = d.sm.Close() // which loses the run
	// Output:
	// ended by the drain: true
	// Run returns ErrDrainTimeout: true
	// PENDING <nil>
}
