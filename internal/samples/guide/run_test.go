package guide_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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
func once(ctx context.Context) (*exo.RunResult, error) {
	g, _ := billing()
	return local.Run(ctx, g, exo.TriggerOptions{Inputs: map[string]string{"month": "2026-04"}})
}

// end sample

// sample:start
func accounting(ctx context.Context, options ...local.InstanceOption) (err error) {
	g, _ := billing()
	in, err := local.Start(ctx, "books", append(options, local.WithGraphs(g), local.WithKeepRuns(100), local.DrainRuns())...)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, in.Close(closing)) // waits for runs, and says which were not finished
	}()
	run, err := in.Trigger(ctx, g.Name(), exo.TriggerOptions{Inputs: map[string]string{"month": "2026-04"}})
	if err != nil {
		return err
	}
	_, err = run.Wait(ctx)
	return err
}

// end sample

// sample:under way
func watch(ctx context.Context, w io.Writer, run *exo.Run, invoice *exo.Step[Invoice]) ([]Invoice, error) {
	info, err := run.Status(ctx) // counts of states
	if err != nil || info.Status != exo.RunPending {
		return nil, err
	}
	steps, err := run.Progress(ctx) // counts by step and status
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		_, _ = fmt.Fprintf(w, "%s: %d of %d\n", s.Step, s.Done(), s.Total())
	}
	now, err := run.Snapshot(ctx) // with all states
	if err != nil {
		return nil, err
	}
	return exo.Outputs(now, invoice) // those so far
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
	result, err := once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, invoice := billing()
	invoices, err := exo.Outputs(result, invoice)
	if err != nil || len(invoices) != 2 {
		t.Errorf("invoices %+v, error %v, want two", invoices, err)
	}
	if err := accounting(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTriggerAndWait(t *testing.T) {
	g, invoice := billing()
	in, err := local.Start(t.Context(), "books", local.WithNodes(g.Nodes()...), local.WithLogger(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	result, err := triggerAndWait(t.Context(), in.StateManager, g)
	if err != nil {
		t.Fatal(err)
	}
	if now, err := watch(t.Context(), io.Discard, in.Run(result.ID), invoice); err != nil || now != nil {
		t.Errorf("a run that is over: %v, %v", now, err)
	}
	run, err := in.Trigger(t.Context(), g.Name(), exo.TriggerOptions{StartDelay: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if now, err := watch(t.Context(), io.Discard, run, invoice); err != nil || len(now) != 0 {
		t.Errorf("a run that has not begun: %v, %v", now, err)
	}
	var unfinished *local.UnfinishedError
	if err := in.Close(t.Context()); !errors.As(err, &unfinished) || unfinished.Count() != 1 {
		t.Error(err)
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
