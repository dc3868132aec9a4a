package transporttest_test

import (
	"testing"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exo/transport/transporttest"
)

// A state manager is tested from a test of its own package.
func ExampleRunInBubble() {
	testConformance := func(t *testing.T) {
		t.Helper()
		transporttest.RunInBubble(t, func(t *testing.T, o transporttest.Options) transport.Provider {
			t.Helper()
			s := local.New(local.WithDefaultLease(o.DefaultLease))
			t.Cleanup(func() { _ = s.Close() }) // rules leave runs behind
			return s
		})
	}
	_ = testConformance // is to be called TestConformance
	// Output:
}
