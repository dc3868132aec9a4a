package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo/local"
)

const (
	// What a client may take its time for. A claim waits for half a minute at
	// most, which the response's time has to leave room for.
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = time.Minute

	// idleTimeout is longer than clients keep connections that they do not use,
	// so that it is they who close them: a server that does may cut off a request
	// that is on its way.
	idleTimeout = 2 * time.Minute

	// drainTimeout bounds how long calls in flight may take once the server is
	// to stop.
	drainTimeout = 15 * time.Second

	maxHeader = 64 << 10 // bytes
)

func serveCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "serve a state manager that keeps everything in memory",
		Description: "Prints its URL, and the API key if it made one up, as environment variables on\n" +
			"standard output. Logs go to standard error.\n\n" +
			"SIGTERM and SIGINT stop it once the requests in flight are done; claims that wait\n" +
			"for work return at once. A second signal stops it at once.\n\n" +
			"Environment: EXOSPHERE_API_KEY, EXOSPHERE_LOG_LEVEL, CORS_ORIGINS (comma-separated).",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:8000", Usage: "`HOST:PORT` to listen on; port 0 takes a free one", DefaultText: "127.0.0.1:8000"},
			&cli.StringSliceFlag{Name: "api-key", Usage: "`KEY` that opens the API; repeat for more", DefaultText: "$EXOSPHERE_API_KEY, else one is made"},
			&cli.DurationFlag{Name: "default-lease", Value: time.Hour, Usage: "`DURATION` for which workers that do not ask for a lease keep what they claim, before it is offered again; 0: for ever"},
			&cli.IntFlag{Name: "keep-runs", Value: 10_000, Usage: "keep `N` terminal runs in memory; 0: all"},
			&cli.IntFlag{Name: "keep-states", Value: 1_000_000, Usage: "keep `N` states of terminal runs in memory; 0: all"},
			&cli.StringFlag{Name: "log-level", Usage: "`LEVEL` to log from: debug, info, warn or error", DefaultText: "$EXOSPHERE_LOG_LEVEL, else info"},
			&cli.StringFlag{Name: "log-format", Value: "console", Usage: "`FORMAT` of the log: console or json", DefaultText: "console"},
			&cli.StringFlag{Name: "tls-cert", Usage: "`FILE` with the certificate chain, in PEM"},
			&cli.StringFlag{Name: "tls-key", Usage: "`FILE` with the certificate's key, in PEM"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			s, err := newServer(env, c)
			if err != nil {
				return err
			}
			return s.serve(ctx)
		},
	}
}

// A server is what exo serve has made of its command line.
type server struct {
	env     environment
	addr    string
	keys    []string
	madeKey bool // keys is one that was made up
	tls     *tls.Config
	log     *zap.Logger
	options []local.Option
}

func newServer(env environment, c *cli.Command) (*server, error) {
	s := &server{env: env, addr: c.String("addr"), keys: c.StringSlice("api-key")}
	var err error
	if s.log, err = newLogger(env, c.String("log-level"), c.String("log-format")); err != nil {
		return nil, err
	}
	if s.tls, err = tlsConfig(c.String("tls-cert"), c.String("tls-key")); err != nil {
		return nil, err
	}
	if slices.Contains(s.keys, "") {
		return nil, usageError{errors.New("--api-key must not be empty")}
	}
	if key := env.getenv("EXOSPHERE_API_KEY"); len(s.keys) == 0 && key != "" {
		s.keys = []string{key}
	}
	if len(s.keys) == 0 {
		s.keys, s.madeKey = []string{rand.Text()}, true
	}
	if c.Duration("default-lease") < 0 {
		return nil, usageError{errors.New("--default-lease must not be negative")}
	}
	for _, name := range []string{"keep-runs", "keep-states"} {
		if c.Int(name) < 0 {
			return nil, usageError{fmt.Errorf("--%s must not be negative", name)}
		}
	}
	s.options = []local.Option{
		local.WithLogger(s.log),
		local.WithDefaultLease(c.Duration("default-lease")),
		local.WithKeepRuns(c.Int("keep-runs")),
		local.WithKeepStates(c.Int("keep-states")),
	}
	if origins := env.getenv("CORS_ORIGINS"); origins != "" {
		s.options = append(s.options, local.WithCORSOrigins(splitList(origins)...))
	}
	return s, nil
}

// tlsConfig reads a certificate, if there is one.
func tlsConfig(certFile, keyFile string) (*tls.Config, error) {
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case certFile == "" || keyFile == "":
		return nil, usageError{errors.New("--tls-cert and --tls-key go together")}
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the TLS certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// serve serves until ctx ends or a signal comes, and then drains.
func (s *server) serve(ctx context.Context) (err error) {
	defer func() { _ = s.log.Sync() }()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if s.tls != nil {
		listener = tls.NewListener(listener, s.tls)
	}
	sm := local.New(s.options...)
	defer func() { err = errors.Join(err, s.end(sm)) }()

	// The contexts of requests end as the drain begins: claims that wait for work
	// then get the response that there is none.
	requests, drain := context.WithCancel(context.WithoutCancel(ctx))
	defer drain()
	httpServer := &http.Server{
		Handler:           sm.Handler(s.keys...),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          zap.NewStdLog(s.log.Named("http")),
	}
	if err := s.announce(listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	failed := make(chan error, 1)
	go func() { failed <- httpServer.Serve(listener) }()

	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stop() // a second signal is not ours to handle
	s.log.Info("draining")
	drain()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := httpServer.Shutdown(bounded); err != nil {
		return fmt.Errorf("calls in flight did not end: %w", errors.Join(err, httpServer.Close()))
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	s.log.Info("stopped")
	return nil
}

// end closes the state manager. Runs that are lost by it are logged and no error:
// to keep everything in memory is what the command is for.
func (s *server) end(sm *local.Server) error {
	err := sm.Close()
	if unfinished := (*local.UnfinishedError)(nil); errors.As(err, &unfinished) {
		s.log.Warn("runs were not finished and are gone: they were kept in memory only",
			zap.Int("runs", unfinished.Count()), zap.Any("namespaces", unfinished.Runs))
		return nil
	}
	return err
}

// announce says where the server is found, in variables that workers read, and
// warns of what is unsafe.
func (s *server) announce(addr net.Addr) error {
	scheme := "http"
	if s.tls != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return fmt.Errorf("read the address: %w", err)
	}
	ip := net.ParseIP(host)
	if !ip.IsLoopback() && s.tls == nil {
		s.log.Warn("listening beyond this machine without TLS: keys and secrets can be read on their way", zap.Stringer("addr", addr))
	}
	if ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	text := fmt.Sprintf("EXOSPHERE_STATE_MANAGER_URI=%s://%s\n", scheme, net.JoinHostPort(host, port))
	if s.madeKey {
		text += fmt.Sprintf("EXOSPHERE_API_KEY=%s\n", s.keys[0])
	}
	if _, err := fmt.Fprint(s.env.stdout, text); err != nil {
		return fmt.Errorf("print the address: %w", err)
	}
	s.log.Info("listening", zap.Stringer("addr", addr), zap.Bool("tls", s.tls != nil))
	return nil
}

// splitList takes a comma-separated list apart.
func splitList(s string) []string {
	var list []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}
