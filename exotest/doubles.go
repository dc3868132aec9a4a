package exotest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
)

// doubles is what a state manager does in place of nodes, and to them.
type doubles struct {
	m *StateManager

	mu       sync.Mutex
	byNode   map[nodeKey]anyDouble
	failures map[failureKey]*failure
	delays   map[string]*delay // by step
}

// An anyDouble is a [double] of any types.
type anyDouble interface {
	// standIn is the node that is executed in place of the other.
	standIn() node.Any
}

type failureKey struct {
	step    string
	attempt int
}

type failure struct {
	err  error
	used bool
}

type delay struct {
	d    time.Duration
	used bool
}

func (d *doubles) init(m *StateManager) {
	d.m = m
	d.byNode = make(map[nodeKey]anyDouble)
	d.failures = make(map[failureKey]*failure)
	d.delays = make(map[string]*delay)
}

func (d *doubles) get(key nodeKey) anyDouble {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byNode[key]
}

func (d *doubles) set(key nodeKey, double anyDouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byNode[key] = double
}

// FailOn makes an attempt of a step, counted from 0, end with err in place of the
// node's function. err may be a signal. The test fails if it never comes to that.
func (m *StateManager) FailOn(step string, attempt int, err error) {
	m.t.Helper()
	if err == nil || attempt < 0 {
		m.t.Fatalf("exotest: FailOn(%q, %d, %v): attempts count from 0, and it takes an error", step, attempt, err)
	}
	m.doubles.mu.Lock()
	defer m.doubles.mu.Unlock()
	m.doubles.failures[failureKey{step, attempt}] = &failure{err: err}
}

// Delay makes every execution of a step take d before its node's function is
// called. States of other steps are executed in the meantime. The test fails if
// the step is never executed.
func (m *StateManager) Delay(step string, d time.Duration) {
	m.t.Helper()
	if d <= 0 {
		m.t.Fatalf("exotest: Delay(%q, %v): it must be positive", step, d)
	}
	m.doubles.mu.Lock()
	defer m.doubles.mu.Unlock()
	m.doubles.delays[step] = &delay{d: d}
}

// Middleware applies stubs, [StateManager.FailOn] and [StateManager.Delay] to a
// runtime of your own: give it to [exo.WithMiddleware], last.
func (m *StateManager) Middleware() node.Middleware {
	return func(next node.Handler) node.Handler {
		return func(ctx context.Context, req *node.Request) ([]transport.Object, error) {
			by, ok := ctx.Value(drivenKey{}).(driven)
			if !ok {
				by.attempt = req.Info.Attempt
			}
			if d := m.doubles.delay(req.Info.Identifier); d > 0 && (!ok || by.late) {
				if retry.Sleep(ctx, d) != nil {
					return nil, ctx.Err()
				}
			}
			if err := m.doubles.failure(req.Info.Identifier, by.attempt); err != nil {
				return nil, err
			}
			if double := m.doubles.get(nodeKey{req.Info.Namespace, req.Info.Node}); double != nil {
				return double.standIn().Execute(ctx, req)
			}
			return next(ctx, req)
		}
	}
}

// driven stands in the context of an execution by the driver, under drivenKey.
type driven struct {
	attempt int
	late    bool // the delay is still to come: it outlasts the node's timeout
}

type drivenKey struct{}

// delay is that of a step, 0 if there is none.
func (d *doubles) delay(step string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := d.delays[step]; at != nil {
		at.used = true
		return at.d
	}
	return 0
}

// failure is the error of an attempt of a step, nil if there is none.
func (d *doubles) failure(step string, attempt int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.failures[failureKey{step, attempt}]; f != nil {
		f.used = true
		return f.err
	}
	return nil
}

// checkUsed fails the test for what never came to pass, and so tested nothing.
func (d *doubles) checkUsed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.m.t.Failed() || d.m.t.Skipped() {
		return
	}
	for at, f := range d.failures {
		if !f.used {
			d.m.t.Errorf("exotest: FailOn(%q, %d) never came to pass: there was no such attempt", at.step, at.attempt)
		}
	}
	for step, at := range d.delays {
		if !at.used {
			d.m.t.Errorf("exotest: Delay(%q, %v) never came to pass: the step was not executed", step, at.d)
		}
	}
}

// delayOf is how long the driver lets a claimed state wait. A delay that outlasts
// the timeout of the node is for the runtime to end, which takes real time.
func (m *StateManager) delayOf(namespace string, s transport.Claimed) (d time.Duration, late bool, err error) {
	d = m.doubles.delay(s.Identifier)
	if d == 0 {
		return 0, false, nil
	}
	n, _ := m.nodes.server(nodeKey{namespace, s.Node})
	if n == nil || n.Timeout() == 0 || d < n.Timeout() {
		return d, false, nil
	}
	if !m.clock.bubble() {
		return 0, false, fmt.Errorf("step %q: Delay(%v) outlasts the timeout of its node, %v, and timeouts take real time: use exotest.Bubble",
			s.Identifier, d, n.Timeout())
	}
	return 0, true, nil
}
