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
	"github.com/exospherehost/exo-go/exo/node"
	"go.uber.org/zap"
)

// A server is a state manager that other processes reach by HTTP, with the nodes
// of the shop. The command exo serve is the state manager alone, ready made.
type server struct {
	*local.Instance
	url, key string
	http     *http.Server
	failed   chan error
}

func startServer(ctx context.Context, nodes []node.Any) (*server, error) {
	in, err := local.Start(ctx, namespace, local.WithNodes(nodes...), local.WithLogger(zap.NewNop()))
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, in.Close(ctx))
	}
	s := &server{
		Instance: in,
		url:      "http://" + listener.Addr().String(),
		key:      rand.Text(), // whoever has it may do all
		failed:   make(chan error, 1),
	}
	s.http = &http.Server{Handler: in.Server().Handler(s.key), ReadHeaderTimeout: 5 * time.Second}
	go func() { s.failed <- s.http.Serve(listener) }()
	return s, nil
}

func (s *server) close(ctx context.Context) error {
	err := errors.Join(s.Close(ctx), s.http.Close())
	if served := <-s.failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// once writes the graph, whose nodes are all registered by now, and runs it once.
func once(ctx context.Context, s *server, g *exo.Graph, compared *exo.Step[Text]) (Text, error) {
	if _, err := s.UpsertGraph(ctx, g); err != nil {
		return Text{}, err
	}
	run, err := s.Trigger(ctx, g.Name(), exo.TriggerOptions{})
	if err != nil {
		return Text{}, err
	}
	result, err := run.Wait(ctx)
	if err != nil {
		return Text{}, err
	}
	return exo.Output(result, compared)
}
