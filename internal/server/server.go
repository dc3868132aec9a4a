// Package server runs a state manager. It adds to the engine of package
// statemanager what the engine leaves out: a clock, claims that wait for
// states, calls that wait for runs, and a clean shutdown.
//
// exo/local, its HTTP handler and exotest are built on it. [Server] has one
// method for each call of the protocol; [View] offers the same calls as a
// transport.
package server

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// Options configures a [Server]. The zero value is ready to use.
type Options struct {
	// Engine configures the engine. Its OnChange is called as the engine
	// documents.
	Engine statemanager.Options

	// Clock is the server's clock. nil means the real one, which inside a
	// testing/synctest bubble is the bubble's.
	Clock Clock

	// WithoutExtensions makes the server behave like one that has no extensions
	// of the protocol; see plain.go.
	WithoutExtensions bool

	// Idle, if not nil, is called instead of waiting, by claims and by reads of
	// a run, which pass the run's ID. An error becomes the error of the call;
	// otherwise the call looks once more and returns. It is meant for a clock
	// that stands still while a call waits.
	Idle func(ctx context.Context, namespace, runID string) error
}

// engine is embedded for its calls that only read. Server has a method of its
// own for each operation that changes something.
type engine = statemanager.Engine

// A Server is a state manager. It is safe for concurrent use. Its methods must
// be called between [Server.Enter] and [Server.Leave]; [View] and the HTTP
// handler do so.
type Server struct {
	*engine
	clock        Clock
	extensions   []transport.Extension
	defaultLease time.Duration
	onChange     func(statemanager.Change)
	idle         func(ctx context.Context, namespace, runID string) error

	claims claimWaiters
	runs   runWaiters
	alarm  alarm

	calls   gate
	closing chan struct{} // closed at the beginning of Close, so that no call keeps waiting
	close   sync.Once
}

// New returns a server. It starts no goroutine: timers of the clock handle
// events that time brings.
func New(o Options) *Server {
	s := &Server{
		clock: o.Clock, extensions: extensions(o), defaultLease: o.Engine.DefaultLease,
		onChange: o.Engine.OnChange, idle: o.Idle,
		calls: newGate(), closing: make(chan struct{}),
	}
	if s.clock == nil {
		s.clock = realClock{}
	}
	o.Engine.OnChange = s.changed
	o.Engine.Rules.InvalidReplaces = o.Engine.Rules.InvalidReplaces || o.WithoutExtensions // its clients could not see which version serves
	s.engine = statemanager.New(o.Engine)
	s.claims.init(s)
	s.runs.init()
	s.alarm.init(s.clock, s.ring)
	return s
}

// extensions returns the extensions of a server with these options.
func extensions(o Options) []transport.Extension {
	if o.WithoutExtensions {
		return nil
	}
	all := []transport.Extension{
		transport.ExtensionWait, transport.ExtensionLease, transport.ExtensionReport, transport.ExtensionStore,
		transport.ExtensionRun, transport.ExtensionCancel, transport.ExtensionAttempt, transport.ExtensionCollect,
	}
	if o.Engine.Rules.AsReference {
		return slices.DeleteFunc(all, func(x transport.Extension) bool { return x == transport.ExtensionCollect })
	}
	return all
}

// changed is called under the engine's lock for every transition of a state.
func (s *Server) changed(c statemanager.Change) {
	if c.To == transport.StatusCreated {
		s.claims.created(c)
	}
	if c.RunAtRest {
		s.runs.wake(c.Namespace, c.RunID)
	}
	if s.onChange != nil {
		s.onChange(c)
	}
}

// change calls f, which may change the engine's state. Every such call goes
// through it. A durable store is awaited here, after f has returned and
// released the engine's lock, and before the caller learns the result.
func change[T any](_ context.Context, s *Server, f func(now time.Time) (T, error)) (T, error) {
	return f(s.clock.Now())
}

// alter is change without a result.
func alter(ctx context.Context, s *Server, f func(now time.Time) error) error {
	_, err := change(ctx, s, func(now time.Time) (struct{}, error) { return struct{}{}, f(now) })
	return err
}

// ErrClosed is wrapped by the errors of calls made after [Server.Close].
var ErrClosed = errors.New("the state manager is closed")

// Enter lets a call in; the caller must then call [Server.Leave]. It reports
// false once the server is closed.
func (s *Server) Enter() bool { return s.calls.enter() }

// Leave ends a call.
func (s *Server) Leave() { s.calls.leave() }

// Close ends every wait, waits for calls in flight, and stops the timers. It
// may be called more than once.
func (s *Server) Close() {
	s.close.Do(func() {
		close(s.closing)
		s.calls.shut()
		s.alarm.stop()
	})
}
