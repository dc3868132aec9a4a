// Package local is a state manager that lives in this process: the embedded
// default of the quick start, and a whole Exosphere for a single machine.
//
// It keeps everything in memory: what it holds ends with the process.
package local

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
	"github.com/exospherehost/exo-go/internal/statemanager/httpapi"
)

// A StateManager holds graphs, runs and states, with the rules of the
// reference state manager, minus the ways in which that one loses work
// (see docs/differences.md). It is safe for concurrent use.
type StateManager struct {
	engine *statemanager.Engine
	claims claimWaiters
	rests  restWaiters
	clock  clock

	log         *zap.Logger
	extensions  []transport.Extension
	corsOrigins []string

	calls   gate
	closing chan struct{} // closed first by Close, so that no call waits on
	once    sync.Once
}

// New makes a state manager that keeps its state in memory. It starts one
// goroutine, which [StateManager.Close] ends.
func New(opts ...Option) *StateManager {
	c := config{
		log:         zap.NewNop(),
		extensions:  allExtensions(),
		corsOrigins: httpapi.DefaultCORSOrigins(),
	}
	for _, o := range opts {
		o.apply(&c)
	}
	if c.engine.Rules.AsReference {
		c.extensions = slices.DeleteFunc(c.extensions, func(x transport.Extension) bool { return x == transport.ExtensionCollect })
	}
	s := &StateManager{
		log: c.log, extensions: c.extensions, corsOrigins: c.corsOrigins,
		calls: newGate(), closing: make(chan struct{}),
	}
	c.engine.OnChange = s.changed
	s.engine = statemanager.New(c.engine)
	s.claims.init(s)
	s.rests.init()
	s.clock.start(s)
	return s
}

// changed hears of every transition of a state, under the engine's lock.
func (s *StateManager) changed(c statemanager.Change) {
	if c.To == transport.StatusCreated {
		s.claims.created(c)
	}
	if c.RunAtRest {
		s.rests.wake(c.Namespace, c.RunID)
	}
}

// Namespace gives the transport of a namespace, by direct calls. It has all
// abilities of the seam, but [WithoutExtensions].
func (s *StateManager) Namespace(name string) transport.Transport {
	n := namespace{s: s, name: name}
	if len(s.extensions) == 0 {
		return &n
	}
	return &extendedNamespace{n}
}

// Namespaces lists the namespaces that hold nodes, graphs or runs.
func (s *StateManager) Namespaces(context.Context) ([]string, error) {
	if err := s.enter("list namespaces"); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.engine.Namespaces(), nil
}

// Handler serves the Exosphere HTTP protocol, for runtimes in other processes
// and languages (protocol.md §§2 to 4, 12 and 13). Each of the API keys opens the
// whole of it; empty ones do not count, and without any every call that needs a
// key is refused. Calls after [StateManager.Close] are answered 503.
//
// The end of a request's context ends its waiting: a server that is to stop ends
// them all by the BaseContext of its [http.Server]. Answers may take half a
// minute, which time-outs have to allow for.
func (s *StateManager) Handler(apiKeys ...string) http.Handler {
	if !slices.ContainsFunc(apiKeys, func(key string) bool { return key != "" }) {
		s.log.Warn("serving HTTP without an API key: all calls that need one are refused")
	}
	h := httpapi.New(httpapi.Options{
		Engine: s.engine, Host: host{s}, Keys: apiKeys, Extensions: s.extensions,
		CORSOrigins: s.corsOrigins, Logger: s.log,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.enter("serve"); err != nil {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"detail":"` + ErrClosed.Error() + `"}`))
			return
		}
		defer s.leave()
		h.ServeHTTP(w, r)
	})
}

// Close ends all waiting, waits for calls under way, and stops the goroutine
// of [New]. Calls made afterwards fail with [ErrClosed]. It may be called more
// than once, and always returns nil.
func (s *StateManager) Close() error {
	s.once.Do(func() {
		close(s.closing)
		s.calls.shut()
		s.clock.stop()
	})
	return nil
}

// ErrClosed is found by [errors.Is] in what calls fail with after
// [StateManager.Close]: a [transport.Error] that no further attempt can mend.
var ErrClosed = errors.New("the state manager is closed")

func closed(op string) error {
	return &transport.Error{Op: op, Status: http.StatusGone, Message: ErrClosed.Error(), Err: ErrClosed}
}

// ended is the error of a call whose context ended.
func ended(op string, cause error) error {
	return &transport.Error{Op: op, Message: cause.Error(), Err: cause}
}

// enter begins a call, which leave ends.
func (s *StateManager) enter(op string) error {
	if !s.calls.enter() {
		return closed(op)
	}
	return nil
}

func (s *StateManager) leave() { s.calls.leave() }

func allExtensions() []transport.Extension {
	return []transport.Extension{
		transport.ExtensionWait, transport.ExtensionLease, transport.ExtensionReport, transport.ExtensionStore,
		transport.ExtensionRun, transport.ExtensionCancel, transport.ExtensionAttempt, transport.ExtensionCollect,
	}
}
