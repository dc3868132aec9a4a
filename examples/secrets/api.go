package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// An api stands for a service elsewhere, which opens to a key.
type api struct {
	url    string
	server *http.Server
	failed chan error
}

// startAPI serves on a free port of this machine.
func startAPI(ctx context.Context, key string) (*api, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /weather/{city}", func(w http.ResponseWriter, req *http.Request) {
		given := req.Header.Get("Authorization")
		if subtle.ConstantTimeCompare([]byte(given), []byte("Bearer "+key)) != 1 {
			http.Error(w, fmt.Sprintf("%q is not a valid key", given), http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprint(w, "rain")
	})
	a := &api{
		url:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second},
		failed: make(chan error, 1),
	}
	go func() { a.failed <- a.server.Serve(listener) }()
	return a, nil
}

func (a *api) close() error {
	err := a.server.Close()
	if served := <-a.failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
