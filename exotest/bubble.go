package exotest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
)

// Bubble runs f in a bubble of [testing/synctest], with a state manager that
// follows the bubble's time: there, sleeping and waiting take no time, also in
// nodes, and real runtimes run over the state manager as they would over any
// other (see [StateManager.Serve]). [StateManager.Drive] works, too: what no
// runtime has registered it executes itself.
//
// The rules of [synctest.Test] hold: no t.Run and no t.Parallel within f, and all
// goroutines must end before f does, or by t.Cleanup.
func Bubble(t *testing.T, f func(t *testing.T, sm *StateManager), opts ...ManagerOption) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, NewStateManager(t).With(opts...))
	})
}

// Serve runs a real runtime, called "exotest", over the state manager until the
// test ends, and waits until it has registered its nodes. The state manager's
// stubs, failures and delays apply to it. The state manager must be one of a
// bubble.
func (m *StateManager) Serve(t testing.TB, nodes []node.Any, opts ...exo.RuntimeOption) *exo.Runtime {
	t.Helper()
	if !m.clock.bubble() {
		t.Fatal("exotest: a runtime needs time that passes by itself: make the state manager in a bubble (see exotest.Bubble), or use its Drive")
	}
	opts = append([]exo.RuntimeOption{exo.WithStateManager(m), exo.WithLogger(m.config.logger), exo.WithMiddleware(m.config.middleware...)}, opts...)
	r, err := exo.NewRuntime(m.config.namespace, runtimeName, nodes, append(opts, exo.WithMiddleware(m.Middleware()))...)
	if err != nil {
		t.Fatalf("exotest: %v", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(m.config.ctx))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, exo.ErrRuntimeClosed) {
			t.Errorf("exotest: runtime: %v", err)
		}
	})
	select {
	case <-r.Ready():
	case err := <-ended:
		ended <- err
		t.Fatalf("exotest: the runtime did not become ready: %v", err)
	}
	return r
}
