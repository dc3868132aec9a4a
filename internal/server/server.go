// Package server is a state manager that runs: the engine of package
// statemanager with what that does without. It has a clock, claims that wait
// for states, calls that wait for runs, and an orderly end.
//
// Everybody who offers a state manager stands on it: exo/local, its HTTP
// handler, and exotest. [Server] has one method for each call of the protocol,
// [View] is the same as a transport.
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

// Options configures a [Server]. The zero value is fit for use.
type Options struct {
	// Engine configures the engine. Its OnChange hears of every transition, as
	// the engine says it does.
	Engine statemanager.Options

	// Clock is the server's time. nil is the real one, which in a bubble of
	// testing/synctest is the bubble's.
	Clock Clock

	// WithoutExtensions makes the server one that has never heard of the
	// extensions of the protocol: see plain.go.
	WithoutExtensions bool

	// Idle, if not nil, is called where a call would wait, and in its place: by a
	// claim, and by one that reads a run, whose ID it is given. An error is that
	// of the call; else the call looks once more and returns. It is for a clock
	// whose time does not pass while a call waits.
	Idle func(ctx context.Context, namespace, runID string) error
}

// A Server is a state manager. It is safe for concurrent use. Its methods may be
// called between [Server.Enter] and [Server.Leave], which a [View] and the HTTP
// handler see to.
type Server struct {
	engine       *statemanager.Engine
	clock        Clock
	extensions   []transport.Extension
	defaultLease time.Duration
	onChange     func(statemanager.Change)
	idle         func(ctx context.Context, namespace, runID string) error

	claims claimWaiters
	runs   runWaiters
	alarm  alarm

	calls   gate
	closing chan struct{} // closed first by Close, so that no call waits on
	close   sync.Once
}

// New makes a server. It starts no goroutine: what time brings is done by timers
// of the clock.
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
	o.Engine.Rules.InvalidReplaces = o.Engine.Rules.InvalidReplaces || o.WithoutExtensions // which could not tell of it
	s.engine = statemanager.New(o.Engine)
	s.claims.init(s)
	s.runs.init()
	s.alarm.init(s.clock, s.ring)
	return s
}

// extensions are those that the server has.
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

// changed hears of every transition of a state, under the engine's lock.
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

// change makes a call of the engine that may change something, and is the one
// way to do so. A store that keeps what has changed is waited for here: once f
// has returned, and with it the engine's lock, and before anybody is told.
func change[T any](_ context.Context, s *Server, f func(now time.Time) (T, error)) (T, error) {
	return f(s.clock.Now())
}

// alter is change without a result.
func alter(ctx context.Context, s *Server, f func(now time.Time) error) error {
	_, err := change(ctx, s, func(now time.Time) (struct{}, error) { return struct{}{}, f(now) })
	return err
}

// ErrClosed is the cause of the error of calls after [Server.Close].
var ErrClosed = errors.New("the state manager is closed")

// Enter lets a call in, which then has to Leave. It reports false once the
// server is closed.
func (s *Server) Enter() bool { return s.calls.enter() }

// Leave ends a call.
func (s *Server) Leave() { s.calls.leave() }

// Close ends all waiting, waits for calls under way, and stops the timers. It may
// be called more than once.
func (s *Server) Close() {
	s.close.Do(func() {
		close(s.closing)
		s.calls.shut()
		s.alarm.stop()
	})
}

// Unfinished counts the runs that are not terminal, by namespace: those that
// have any.
func (s *Server) Unfinished() map[string]int { return s.engine.Unfinished() }
