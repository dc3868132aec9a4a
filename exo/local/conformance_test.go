package local_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exo/transport/transporttest"
	"github.com/exospherehost/exo-go/internal/server"
)

// makeLocal makes a state manager as a rule of the conformance suite wants it.
func makeLocal(t *testing.T, o transporttest.Options, opts ...local.Option) *local.Server {
	t.Helper()
	if o.DefaultLease > 0 {
		opts = append(opts, local.WithDefaultLease(o.DefaultLease))
	}
	s := local.New(opts...)
	t.Cleanup(func() { _ = s.Close() }) // rules leave runs behind
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	transporttest.RunInBubble(t, func(t *testing.T, o transporttest.Options) transport.Provider {
		t.Helper()
		return makeLocal(t, o)
	})
}

func TestConformanceWithoutExtensions(t *testing.T) {
	t.Parallel()
	transporttest.RunInBubble(t, func(t *testing.T, o transporttest.Options) transport.Provider {
		t.Helper()
		return makeLocal(t, o, local.WithoutExtensions())
	})
}

const conformanceKey = "conformance-key"

// Over pipes within the process, HTTP takes no time in a bubble.
func TestConformanceOverHTTP(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]local.Option{"all extensions": nil, "no extensions": {local.WithoutExtensions()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transporttest.RunInBubble(t, func(t *testing.T, o transporttest.Options) transport.Provider {
				t.Helper()
				pipes := newPipeListener()
				server := &http.Server{Handler: makeLocal(t, o, opts...).Handler(conformanceKey)}
				var serving sync.WaitGroup
				serving.Go(func() {
					if err := server.Serve(pipes); !errors.Is(err, http.ErrServerClosed) {
						t.Error(err)
					}
				})
				client := &http.Client{Transport: &http.Transport{DialContext: pipes.dial, MaxIdleConnsPerHost: 32}}
				t.Cleanup(func() {
					client.CloseIdleConnections()
					if err := server.Close(); err != nil {
						t.Error(err)
					}
					serving.Wait()
				})
				return &transport.HTTP{URL: "http://local.test", APIKey: conformanceKey, Client: client}
			})
		})
	}
}

// Over TCP, by a clock that the suite moves.
func TestConformanceOverTCP(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]local.Option{"all extensions": nil, "no extensions": {local.WithoutExtensions()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transporttest.Run(t, func(t *testing.T, o transporttest.Options) transport.Provider {
				t.Helper()
				clock := server.NewManualClock(time.Now())
				return clocked{serveTCP(t, o, append(opts, local.WithClock(clock))...), clock}
			})
		})
	}
}

// Over TCP, in real time, as a state manager of somebody else's is tested.
func TestConformanceInRealTime(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	transporttest.Run(t, func(t *testing.T, o transporttest.Options) transport.Provider {
		t.Helper()
		return serveTCP(t, o)
	})
}

// clocked lets the suite move the time of a state manager.
type clocked struct {
	*transport.HTTP
	transporttest.Clock
}

func serveTCP(t *testing.T, o transporttest.Options, opts ...local.Option) *transport.HTTP {
	t.Helper()
	server := httptest.NewServer(makeLocal(t, o, opts...).Handler(conformanceKey))
	t.Cleanup(server.Close)
	return &transport.HTTP{URL: server.URL, APIKey: conformanceKey, Client: server.Client()}
}

// pipeListener is a network of two.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }
