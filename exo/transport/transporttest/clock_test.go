package transporttest_test

import (
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exo/transport/transporttest"
)

// moved is a state manager with a Clock: here it moves the time of the bubble.
type moved struct {
	*local.Server
	advanced *time.Duration
}

func (m moved) Advance(d time.Duration) {
	*m.advanced += d
	time.Sleep(d)
}

// All waiting of the rules goes by the Clock, where there is one.
func TestClock(t *testing.T) {
	t.Parallel()
	transporttest.RunInBubble(t, func(t *testing.T, o transporttest.Options) transport.Provider {
		t.Helper()
		s := local.New(local.WithDefaultLease(o.DefaultLease))
		var advanced time.Duration
		start := time.Now()
		t.Cleanup(func() {
			if passed := time.Since(start); passed != advanced {
				t.Errorf("%v passed, %v by the Clock", passed, advanced)
			}
			_ = s.Close() // rules leave runs behind
		})
		return moved{s, &advanced}
	})
}
