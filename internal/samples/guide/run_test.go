package guide_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample:serve
func serve(ctx context.Context) error {
	return exo.Serve(ctx, "books", "billing-1", exo.Nodes(Orders, Bill, Send),
		exo.WithWorkers(64),
		exo.WithDrainTimeout(time.Minute),
	)
}

// end sample

// sample:embed
func program(ctx context.Context, listener net.Listener, options ...exo.RuntimeOption) error {
	rt, err := exo.NewRuntime("books", "billing-1", exo.Nodes(Orders, Bill, Send), options...)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /exo/", rt.HealthHandler()) // /exo/live, /exo/ready
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}

	ctx, stop := context.WithCancel(ctx) // when one of the two ends, so does the other
	var web sync.WaitGroup
	var served error
	web.Go(func() {
		defer stop()
		if served = server.Serve(listener); errors.Is(served, http.ErrServerClosed) {
			served = nil
		}
	})
	err = rt.Run(ctx) // drains when ctx ends; the probes are answered until then
	err = errors.Join(err, server.Shutdown(context.WithoutCancel(ctx)))
	web.Wait()
	return errors.Join(err, served)
}

// end sample

// sample:local
func inOneProcess(ctx context.Context) (result *exo.RunResult, err error) {
	sm := local.New(local.WithKeepRuns(100))
	defer func() { err = errors.Join(err, sm.Close()) }() // which says if a run was not finished
	return work(ctx, exo.WithStateManager(sm))
}

func work(ctx context.Context, where exo.Option) (*exo.RunResult, error) {
	g, _ := billing()
	rt, err := exo.NewRuntime("books", "billing-1", g.Nodes(), where)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	running.Go(func() { stop(rt.Run(ctx)) }) // a runtime that fails stops the rest
	defer running.Wait()
	defer stop(nil) // drains
	select {
	case <-rt.Ready(): // graphs are validated against the nodes that are registered
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}

	m, err := exo.NewStateManager("books", where)
	if err != nil {
		return nil, err
	}
	return triggerAndWait(ctx, m, g)
}

// end sample

// sample:trigger
func triggerAndWait(ctx context.Context, m *exo.StateManager, g *exo.Graph) (*exo.RunResult, error) {
	if _, err := m.UpsertGraph(ctx, g); err != nil {
		return nil, err // a *exo.GraphInvalidError lists all that is wrong
	}
	run, err := m.Trigger(ctx, g.Name(), exo.TriggerOptions{Inputs: map[string]string{"month": "2026-04"}})
	if err != nil {
		return nil, err
	}
	result, err := run.Wait(ctx)
	if err != nil {
		return nil, err
	}
	return result, result.Err() // which states failed, and why
}

// end sample

// sample:middleware
func timing(next node.Handler) node.Handler {
	return func(ctx context.Context, req *node.Request) ([]transport.Object, error) {
		start := time.Now()
		outputs, err := next(ctx, req)
		exo.Logger(ctx).Debug("executed", zap.Duration("took", time.Since(start)), zap.Error(err))
		return outputs, err
	}
}

// end sample

// sample:cron
func nightly() *exo.Graph {
	g, _ := billing()
	return g.CronIn("Europe/Berlin", "30 2 * * *")
}

// end sample

func TestInOneProcess(t *testing.T) {
	t.Setenv("EXOSPHERE_DISABLE_DEFAULT_LOGGING", "1")
	result, err := inOneProcess(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, invoice := billing()
	invoices, err := exo.Outputs(result, invoice)
	if err != nil || len(invoices) != 2 {
		t.Errorf("invoices %+v, error %v, want two", invoices, err)
	}
}

func TestWorkWithWrongKey(t *testing.T) {
	t.Setenv("EXOSPHERE_DISABLE_DEFAULT_LOGGING", "1")
	t.Setenv("EXOSPHERE_API_KEY", "wrong")
	sm := local.New()
	defer func() { _ = sm.Close() }()
	server := httptest.NewServer(sm.Handler("right"))
	defer server.Close()
	if _, err := work(t.Context(), exo.WithURL(server.URL)); !errors.Is(err, transport.ErrUnauthorized) {
		t.Errorf("error %v, want that of the runtime", err)
	}
}

func TestProgram(t *testing.T) {
	sm := local.New()
	defer func() { _ = sm.Close() }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	registered := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- program(ctx, listener, exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()), exo.WithMiddleware(timing),
			exo.WithTrace(&exo.Trace{Registered: func([]string) { close(registered) }}))
	}()
	<-registered
	answer, err := http.Get("http://" + listener.Addr().String() + "/exo/live")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("live: %s", answer.Status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The server's end is the end of the program, too.
func TestProgramWithoutServer(t *testing.T) {
	sm := local.New()
	defer func() { _ = sm.Close() }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := program(t.Context(), listener, exo.WithStateManager(sm), exo.WithLogger(zap.NewNop())); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v, want that of the listener", err)
	}
}

func TestNightly(t *testing.T) {
	if err := nightly().Validate(); err != nil {
		t.Error(err)
	}
}

func TestServe(t *testing.T) {
	t.Setenv("EXOSPHERE_STATE_MANAGER_URI", "")
	if err := serve(t.Context()); err == nil {
		t.Error("no error without a state manager")
	}
}
