package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

// A server is a state manager that other processes reach by HTTP. The command
// exo serve is the same, ready made.
type server struct {
	url, key string
	sm       *local.Server
	http     *http.Server
	failed   chan error
}

func startServer(ctx context.Context) (*server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{
		url:    "http://" + listener.Addr().String(),
		key:    rand.Text(), // whoever has it may do all
		sm:     local.New(),
		failed: make(chan error, 1),
	}
	s.http = &http.Server{Handler: s.sm.Handler(s.key), ReadHeaderTimeout: 5 * time.Second}
	go func() { s.failed <- s.http.Serve(listener) }()
	return s, nil
}

func (s *server) close() error {
	err := errors.Join(s.sm.Close(), s.http.Close())
	if served := <-s.failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// once serves the nodes of the shop and runs the graph once. It needs no HTTP to
// reach the state manager, which is in its process.
func once(ctx context.Context, s *server) (said Text, err error) {
	where, quiet := exo.WithStateManager(s.sm), exo.WithLogger(zap.NewNop())
	g, compared := graph()
	rt, err := exo.NewRuntime(namespace, "shop", g.Nodes(), where, quiet)
	if err != nil {
		return Text{}, err
	}
	served := make(chan error, 1)
	go func() { served <- rt.Run(ctx) }()
	defer func() { err = errors.Join(err, rt.Shutdown(context.WithoutCancel(ctx))) }()
	select {
	case <-rt.Ready():
	case err := <-served:
		return Text{}, errors.Join(err, ctx.Err())
	}

	client, err := exo.NewStateManager(namespace, where, quiet)
	if err != nil {
		return Text{}, err
	}
	if _, err := client.UpsertGraph(ctx, g); err != nil {
		return Text{}, err
	}
	run, err := client.Trigger(ctx, g.Name(), exo.TriggerOptions{})
	if err != nil {
		return Text{}, err
	}
	result, err := run.Wait(ctx)
	if err != nil {
		return Text{}, err
	}
	if err := result.Err(); err != nil {
		return Text{}, err
	}
	outputs, err := exo.Outputs(result, compared)
	if err != nil {
		return Text{}, err
	}
	return outputs[0], nil // a succeeded run without fan-out has one
}
