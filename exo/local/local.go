// Package local is a state manager that lives in this process: a whole Exosphere
// for a single machine.
//
// [Run] runs a graph once. [Start] is for programs that live on: an [Instance] is
// a state manager, a runtime and a client. [New] makes the state manager alone, for
// runtimes that you start yourself.
//
// It keeps everything in memory: what it holds ends with the process.
package local

import (
	"context"
	"net/http"
	"slices"

	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/server"
	"github.com/exospherehost/exo-go/internal/statemanager/httpapi"
)

// A Server holds graphs, runs and states, with the rules of the
// reference state manager, minus the ways in which that one loses work
// (see docs/differences.md). It is safe for concurrent use.
type Server struct {
	server *server.Server
	view   server.View

	log         *zap.Logger
	corsOrigins []string
}

var (
	_ transport.Provider        = (*Server)(nil)
	_ transport.NamespaceLister = (*Server)(nil)
)

// New makes a state manager that keeps its state in memory, until
// [Server.Close].
func New(opts ...Option) *Server {
	c := defaults()
	for _, o := range opts {
		o.apply(&c)
	}
	return c.new()
}

func defaults() config { return config{corsOrigins: httpapi.DefaultCORSOrigins()} }

func (c *config) new() *Server {
	log := c.log
	if log == nil {
		log = zap.NewNop()
	}
	s := server.New(c.server)
	return &Server{server: s, view: server.View{Server: s}, log: log, corsOrigins: c.corsOrigins}
}

// Namespace gives the transport of a namespace, by direct calls. It has all
// abilities of the seam, but [WithoutExtensions].
func (s *Server) Namespace(name string) transport.Transport { return s.view.Namespace(name) }

// Namespaces lists the namespaces that hold nodes, graphs or runs.
func (s *Server) Namespaces(ctx context.Context) ([]string, error) {
	return s.view.Namespaces(ctx)
}

// Handler serves the Exosphere HTTP protocol, for runtimes in other processes
// and languages (protocol.md §§2 to 4, 12 and 13). Each of the API keys opens the
// whole of it; empty ones do not count, and without any every call that needs a
// key is refused. Calls after [Server.Close] get status 503.
//
// The end of a request's context ends its waiting: a server that is to stop ends
// them all by the BaseContext of its [http.Server]. Responses may take half a
// minute, which timeouts have to allow for.
func (s *Server) Handler(apiKeys ...string) http.Handler {
	if !slices.ContainsFunc(apiKeys, func(key string) bool { return key != "" }) {
		s.log.Warn("serving HTTP without an API key: all calls that need one are refused")
	}
	return httpapi.New(httpapi.Options{Server: s.server, Keys: apiKeys, CORSOrigins: s.corsOrigins, Logger: s.log})
}

// Close ends all waiting, waits for calls in flight, and stops the timers. Calls
// made afterwards fail with [ErrClosed].
//
// What was kept in memory is gone then. If that includes runs that were not
// terminal yet, the error is an [*UnfinishedError] that counts them; otherwise it
// is nil. Close may be called more than once, and returns the same each time.
func (s *Server) Close() error {
	s.server.Close()
	if e := s.unfinished(); e != nil {
		return e
	}
	return nil
}
