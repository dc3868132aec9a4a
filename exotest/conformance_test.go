package exotest_test

import (
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exo/transport/transporttest"
	"github.com/exospherehost/exo-go/exotest"
)

func makeConforming(t *testing.T, o transporttest.Options, opts ...exotest.ManagerOption) *exotest.StateManager {
	t.Helper()
	return exotest.NewStateManager(t).With(append(opts, exotest.WithDefaultLease(o.DefaultLease))...)
}

// inBubble hides that the state manager can move its time: in a bubble it passes
// by itself.
type inBubble struct {
	transport.Provider
	transport.NamespaceLister
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]exotest.ManagerOption{"all extensions": nil, "no extensions": {exotest.WithoutExtensions()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("own time", func(t *testing.T) {
				t.Parallel()
				transporttest.Run(t, func(t *testing.T, o transporttest.Options) transport.Provider {
					t.Helper()
					return makeConforming(t, o, opts...)
				})
			})
			t.Run("bubble", func(t *testing.T) {
				t.Parallel()
				transporttest.RunInBubble(t, func(t *testing.T, o transporttest.Options) transport.Provider {
					t.Helper()
					sm := makeConforming(t, o, opts...)
					return inBubble{sm, sm}
				})
			})
		})
	}
}
