package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

const (
	namespace    = "embedded"
	drainTimeout = 10 * time.Second // for what is under way when the service is to stop
)

// A service answers HTTP calls by runs of a graph.
type service struct {
	graph   *exo.Graph
	greeted *exo.Step[Greeting]
	rt      *exo.Runtime
	client  *exo.StateManager
	written chan struct{} // closed once the graph is
}

func newService(sm *local.Server, greet func(context.Context, Name, exo.None) (Greeting, error)) (*service, error) {
	s := &service{graph: exo.NewGraph("greet").Retry(exo.NoRetry()), written: make(chan struct{})}
	s.greeted = exo.Add(s.graph, "greet", exo.Node("Greet", greet), Name{Name: "nobody"})

	where, quiet := exo.WithStateManager(sm), exo.WithLogger(zap.NewNop())
	var errs [2]error
	s.rt, errs[0] = exo.NewRuntime(namespace, "service", s.graph.Nodes(), where, quiet, exo.WithDrainTimeout(drainTimeout))
	s.client, errs[1] = exo.NewStateManager(namespace, where, quiet)
	return s, errors.Join(errs[:]...)
}

// serve serves until ctx ends, or a part of the service fails. Then it ends the
// parts in the order in which they need one another: first the HTTP server,
// whose calls under way need the workers, then the workers, which need the state
// manager.
func serve(ctx context.Context, listener net.Listener, greet func(context.Context, Name, exo.None) (Greeting, error)) (err error) {
	sm := local.New()
	defer func() { err = errors.Join(err, sm.Close()) }()
	s, err := newService(sm, greet)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second}

	// Each part runs in a goroutine of its own; the first that fails is the cause
	// of the end of all. golang.org/x/sync/errgroup does the same.
	running, fail := context.WithCancelCause(ctx)
	var parts sync.WaitGroup
	start := func(part func() error) {
		parts.Go(func() {
			if err := part(); err != nil {
				fail(err)
			}
		})
	}
	start(func() error { return s.rt.Run(context.WithoutCancel(ctx)) }) // ends by Shutdown
	start(func() error { return s.writeGraph(running) })
	start(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})

	<-running.Done()
	if cause := context.Cause(running); !errors.Is(cause, context.Cause(ctx)) {
		err = cause
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err = errors.Join(err, server.Shutdown(draining), s.rt.Shutdown(draining))
	parts.Wait()
	return err
}

// writeGraph writes the graph once the nodes are registered.
func (s *service) writeGraph(ctx context.Context) error {
	select {
	case <-s.rt.Ready():
	case <-ctx.Done():
		return nil
	}
	if _, err := s.client.UpsertGraph(ctx, s.graph); err != nil {
		return err
	}
	close(s.written)
	return nil
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /greetings", s.greetings)
	mux.Handle("/exo/", s.rt.HealthHandler()) // /exo/live, /exo/ready
	return mux
}

// greetings triggers a run and waits for it. If the caller goes away the run
// goes on: its state is kept by the state manager, not by this call.
func (s *service) greetings(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	greeting, err := s.greeting(ctx, Name{Name: req.URL.Query().Get("name")})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprintln(w, greeting.Text)
}

func (s *service) greeting(ctx context.Context, in Name) (Greeting, error) {
	select {
	case <-s.written: // calls may come sooner than that
	case <-ctx.Done():
		return Greeting{}, ctx.Err()
	}
	run, err := s.client.Trigger(ctx, s.graph.Name(), exo.TriggerOptions{Inputs: exo.Fields(in)})
	if err != nil {
		return Greeting{}, err
	}
	result, err := run.Wait(ctx)
	if err != nil {
		return Greeting{}, err
	}
	if err := result.Err(); err != nil {
		return Greeting{}, err
	}
	greetings, err := exo.Outputs(result, s.greeted)
	if err != nil {
		return Greeting{}, err
	}
	return greetings[0], nil // a succeeded run of one step has one
}
