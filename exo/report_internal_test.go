package exo

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

// untaken is a state manager that has one state, and takes no report until it is
// told to.
type untaken struct {
	transport.Unimplemented
	claimed atomic.Bool
	inputs  chan transport.Object
	take    chan struct{}
}

func (s *untaken) Namespace(string) transport.Transport { return s }

func (s *untaken) Register(context.Context, string, []transport.NodeSpec) error { return nil }

func (s *untaken) Claim(_ context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
	if s.claimed.Swap(true) {
		<-req.Stop
		return nil, nil
	}
	return []transport.Claimed{{ID: "1", Node: "Do", Inputs: <-s.inputs}}, nil
}

func (s *untaken) Secrets(context.Context, string) (transport.Secrets, error) {
	return transport.Secrets{"key": "a-secret-value"}, nil
}

func (s *untaken) Report(context.Context, []transport.Report) []error {
	<-s.take
	return nil
}

// An execution whose report waits to be taken keeps neither inputs nor secrets,
// but for those that its report shows.
func TestSettledExecutionsKeepLittle(t *testing.T) {
	t.Parallel()
	type text struct {
		Text string `json:"text"`
	}
	type key struct {
		Key string `json:"key"`
	}
	showing := func(output func(secret string) string) node.Any {
		return Node("Do", func(_ context.Context, _ text, k key) (text, error) { return text{output(k.Key)}, nil })
	}
	for name, test := range map[string]struct {
		node  node.Any
		shows bool
	}{
		"no secrets":               {Node("Do", func(context.Context, text, None) (text, error) { return text{"done"}, nil }), false},
		"no secret in the outputs": {showing(func(string) string { return "done" }), false},
		"a secret in the outputs":  {showing(func(s string) string { return "key " + s }), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sm := &untaken{inputs: make(chan transport.Object, 1), take: make(chan struct{})}
			freed := make(chan struct{})
			func() { // the inputs are nobody else's
				inputs := transport.Object(`{"text":"` + strings.Repeat("x", 4096) + `"}`)
				runtime.AddCleanup(&inputs[0], func(done chan struct{}) { close(done) }, freed)
				sm.inputs <- inputs
			}()
			rt, err := NewRuntime("ns", "w", Nodes(test.node), WithStateManager(sm), WithLogger(zap.NewNop()), WithLease(0))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() {
				if err := rt.Run(ctx); err != nil {
					t.Error(err)
				}
			})
			for gone := false; !gone || rt.Stats().Unreported != 1; { // the test's time limit bounds it
				runtime.GC()
				select {
				case <-freed:
					gone, freed = true, nil
				case <-time.After(time.Millisecond):
				}
			}
			for _, e := range rt.held.each() {
				if e.work != nil || (e.redact != nil) != test.shows {
					t.Errorf("work %v, redactor %v", e.work, e.redact)
				}
			}
			close(sm.take)
			cancel()
			running.Wait()
		})
	}
}

// Middleware may leave a handler behind that still reads its request.
func TestMiddlewareKeepsItsRequest(t *testing.T) {
	t.Parallel()
	inputs := transport.Object(`{"text":"x"}`)
	sm := &untaken{inputs: make(chan transport.Object, 1), take: make(chan struct{})}
	sm.inputs <- inputs
	seen := make(chan *node.Request, 1)
	keep := func(next node.Handler) node.Handler {
		return func(ctx context.Context, req *node.Request) ([]transport.Object, error) {
			seen <- req
			return next(ctx, req)
		}
	}
	n := Node("Do", func(context.Context, None, None) (None, error) { return None{}, nil })
	rt, err := NewRuntime("ns", "w", Nodes(n), WithStateManager(sm), WithLogger(zap.NewNop()), WithLease(0), WithMiddleware(keep))
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := rt.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	req := <-seen
	close(sm.take)
	if err := rt.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	if string(req.Inputs) != string(inputs) || req.Info.StateID != "1" {
		t.Errorf("the request is %q of state %q", req.Inputs, req.Info.StateID)
	}
}
