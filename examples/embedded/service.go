package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

const (
	greetings    = "greetings"      // the graph
	drainTimeout = 10 * time.Second // for what is in flight when the service is to stop
)

// A service serves HTTP calls by runs of a graph.
type service struct {
	*local.Instance
	greeted *exo.Step[Greeting]
}

// serve serves until ctx ends, or the HTTP server fails. It ends the HTTP server
// first, whose calls in flight need the instance.
func serve(ctx context.Context, listener net.Listener, greet func(context.Context, Name, exo.None) (Greeting, error)) error {
	g := exo.NewGraph(greetings).Retry(exo.NoRetry())
	s := &service{greeted: exo.Add(g, "greet", exo.Node("Greet", greet), Name{Name: "stranger"})}
	in, err := local.Start(ctx, "embedded", local.WithGraphs(g), local.DrainRuns(), local.WithLogger(zap.NewNop()))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	s.Instance = in

	server := &http.Server{Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	return errors.Join(err, server.Shutdown(draining), in.Close(draining))
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /greetings", s.greetings)
	mux.Handle("/exo/", s.Runtime().HealthHandler()) // /exo/live, /exo/ready
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
	run, err := s.Trigger(ctx, greetings, exo.TriggerOptions{Inputs: exo.Fields(in)})
	if err != nil {
		return Greeting{}, err
	}
	result, err := run.Wait(ctx)
	if err != nil {
		return Greeting{}, err
	}
	return exo.Output(result, s.greeted) // or why the run failed
}
