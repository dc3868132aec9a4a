package exo_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

var badInputs = map[string]func(*testing.T, *bubble){
	"that state errors, and the rest of the batch runs": func(t *testing.T, b *bubble) {
		for _, inputs := range []string{``, `{`, `[]`, `null`, `{"text":5}`, `{"text":{}}`, `{"other":"x"}`, "\x00\xff", `{"text":"x"}{`} {
			var spoilt atomic.Bool
			spoiling := &tampered{Transport: b.sm.Namespace(namespace)}
			spoiling.claim = func(ctx context.Context, req transport.ClaimRequest, next func(context.Context, transport.ClaimRequest) ([]transport.Claimed, error)) ([]transport.Claimed, error) {
				states, err := next(ctx, req)
				for i, s := range states {
					if s.Node == "Do" && spoilt.CompareAndSwap(false, true) {
						states[i].Inputs = transport.Object(inputs)
					}
				}
				return states, err
			}
			g, _ := many(20, onState(func(context.Context) error { return nil }))
			g.Retry(exo.NoRetry())
			w := b.workerOn(spoiling, nil, g.Nodes())
			r := b.trigger(g)
			result := b.wait(r)
			b.expect(r, map[exo.Status]int{transport.StatusSuccess: 39, transport.StatusErrored: 1})
			if err := result.Err(); err == nil || !strings.Contains(err.Error(), "decode inputs") {
				t.Errorf("%q: %v", inputs, err)
			}
			w.stopped()
		}
	},
}

// strange is an error whose method panics, as that of a nil pointer does.
type strange struct{ text string }

func (e *strange) Error() string { return e.text }

// mean panics wherever it is asked anything.
type mean struct{}

func (mean) Error() string                { panic("in Error") }
func (mean) Unwrap() error                { panic("in Unwrap") }
func (mean) Is(error) bool                { panic("in Is") }
func (mean) As(any) bool                  { panic("in As") }
func (mean) MarshalJSON() ([]byte, error) { panic("in MarshalJSON") }
func (mean) String() string               { panic("in String") }

var panics = map[string]func(*testing.T, *bubble){
	"of all kinds error their states, and no other": func(t *testing.T, b *bubble) {
		ways := map[string]func() error{
			"a string":             func() error { panic("oh no") },
			"an error":             func() error { panic(errors.New("oh no")) },
			"nil":                  func() error { panic(nil) },
			"what panics in turn":  func() error { panic(mean{}) },
			"at run time":          func() error { var p *Text; p.Text = "x"; return nil },
			"Goexit":               func() error { runtime.Goexit(); return nil },
			"a nil error":          func() error { var e *strange; return e },
			"an error that panics": func() error { return mean{} },
			"wrapped":              func() error { return fmt.Errorf("x: %w", mean{}) },
			"in data":              func() error { return exo.Prune(map[string]any{"x": mean{}}) },
		}
		var names []string
		for name := range ways {
			names = append(names, name, "fine")
		}
		split := exo.FanOut("Split", func(context.Context, exo.None, exo.None) ([]Text, error) {
			var outs []Text
			for _, name := range names {
				outs = append(outs, Text{name})
			}
			return outs, nil
		})
		do := exo.Node("Do", func(_ context.Context, in Text, _ exo.None) (Text, error) {
			time.Sleep(time.Second)
			if way := ways[in.Text]; way != nil {
				return Text{}, way()
			}
			return in, nil
		})
		g := exo.NewGraph("panics").Retry(retries(5))
		s := exo.Add(g, "split", split, exo.None{})
		exo.Add(g, "do", do, s.Out, exo.After(s))
		// Fewer workers than there are panics: none may be lost to one.
		w := b.worker(nil, g.Nodes(), exo.WithWorkers(2))
		r := b.trigger(g)
		result := b.wait(r)
		if result.Status != exo.RunFailed {
			t.Errorf("run is %s", result.Status)
		}
		b.expect(r, map[exo.Status]int{
			transport.StatusSuccess: 3 * len(ways), transport.StatusErrored: len(ways), transport.StatusRetryCreated: 5 * len(ways),
		})
		for _, s := range result.States {
			if s.Status == transport.StatusErrored && (s.Error == "" || strings.Contains(s.Error, "\n")) {
				t.Errorf("%s: error %q is not one line", s.Inputs, s.Error)
			}
		}
		if n := w.logged("node panicked"); n < 6*(len(ways)-2) {
			t.Errorf("%d panics logged", n)
		}
		if s := w.Stats(); s.Executing != 0 {
			t.Errorf("stats %+v", s)
		}
		w.stopped()
	},
}

// skewed is a state manager whose clock is wrong, as seen from here.
type skewed struct {
	transport.Unimplemented
	engine *statemanager.Engine
	skew   time.Duration
}

func (s *skewed) now() time.Time                       { return time.Now().Add(s.skew) }
func (s *skewed) Namespace(string) transport.Transport { return s }

func (s *skewed) Register(_ context.Context, runtime string, nodes []transport.NodeSpec) error {
	return s.engine.Register(s.now(), namespace, runtime, nodes)
}

func (s *skewed) Claim(_ context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
	return s.engine.Claim(s.now(), namespace, req), nil
}

func (s *skewed) Report(_ context.Context, rs []transport.Report) []error {
	_, errs := s.engine.ReportAll(s.now(), namespace, rs)
	return errs
}

func (s *skewed) Heartbeat(_ context.Context, leases map[string]string, lease time.Duration) ([]string, error) {
	return s.engine.Heartbeat(s.now(), namespace, leases, lease), nil
}

var clockSkew = map[string]func(*testing.T, *bubble){
	"the state manager's clock alone decides leases and due times": func(t *testing.T, b *bubble) {
		for _, skew := range []time.Duration{-1000 * time.Hour, 1000 * time.Hour} {
			sm := &skewed{engine: statemanager.New(statemanager.Options{}), skew: skew}
			var calls atomic.Int64
			g, _ := one(onState(func(ctx context.Context) error {
				switch calls.Add(1) {
				case 1:
					return exo.RequeueAfter(time.Hour)
				case 2:
					return errors.New("once")
				}
				select { // for many leases
				case <-time.After(10 * time.Minute):
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}))
			g.Retry(retries(1))
			w := b.workerOn(sm, nil, g.Nodes())
			<-w.Ready()
			if status, err := sm.engine.PutGraph(sm.now(), namespace, "one", g.Spec(namespace)); err != nil || status.Status != transport.Valid {
				t.Fatal(status, err)
			}
			id, err := sm.engine.Trigger(sm.now(), namespace, "one", transport.TriggerSpec{StartDelay: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			for rest := false; !rest && time.Since(began) < 3*time.Hour; time.Sleep(time.Second) {
				sm.engine.Advance(sm.now())
				if rest, err = sm.engine.AtRest(namespace, id); err != nil {
					t.Fatal(err)
				}
			}
			took, want := time.Since(began), time.Minute+time.Hour+time.Second+10*time.Minute
			if took < want || took > want+10*time.Second {
				t.Errorf("skew %v: took %v, want %v", skew, took, want)
			}
			info, _, err := sm.engine.Run(namespace, id)
			if err != nil || info.Status != exo.RunSuccess || info.Total != 2 {
				t.Errorf("run %+v, %v", info, err)
			}
			executed(t, &calls, 3)
			w.stopped()
		}
	},
}

var graphChanged = map[string]func(*testing.T, *bubble){
	"the run ends on the version that it began with": func(t *testing.T, b *bubble) {
		release := make(chan struct{})
		first := exo.Node("First", func(_ context.Context, in Text, _ exo.None) (Text, error) { <-release; return in, nil })
		version := func(text string) *exo.Graph {
			g := exo.NewGraph("changing")
			f := exo.Add(g, "first", first, Text{text})
			exo.Add(g, "second", echo, Text{f.Out.Text + " " + text}, exo.After(f))
			return g
		}
		old, changed := version("old"), version("new")
		w := b.worker(nil, old.Nodes())
		before := b.trigger(old)
		settle()
		after := b.trigger(changed)
		close(release)
		for want, r := range map[string]*exo.Run{`{"text":"old old"}`: before, `{"text":"new new"}`: after} {
			result := b.wait(r)
			if got := result.Step("second"); len(got) != 1 || string(got[0].Outputs) != want {
				t.Errorf("got %s, want %s", got[0].Outputs, want)
			}
		}
		w.stopped()
	},
}

var fanOut = map[string]func(*testing.T, *bubble){
	// The engine's benchmarks show that time and memory grow in line.
	"of a hundred thousand, joined": func(t *testing.T, b *bubble) {
		const n = 100_000
		g := exo.NewGraph("wide")
		source := exo.Node("Source", func(context.Context, exo.None, exo.None) (Text, error) { return Text{"s"}, nil })
		split := exo.FanOut("Split", func(context.Context, Text, exo.None) ([]Text, error) { return make([]Text, n), nil })
		s0 := exo.Add(g, "source", source, exo.None{})
		s1 := exo.Add(g, "split", split, s0.Out, exo.After(s0))
		s2 := exo.Add(g, "echo", echo, s1.Out, exo.After(s1))
		exo.Add(g, "join", onState(func(context.Context) error { return nil }), s0.Out, exo.After(s2), exo.Unites(s0, exo.AllSuccess))
		w := b.worker(nil, g.Nodes(), exo.WithWorkers(64), exo.WithBatchSize(64))
		r := b.trigger(g)
		result := b.wait(r)
		if result.Status != exo.RunSuccess || len(result.States) != 1+n+n+1 || len(result.Step("join")) != 1 {
			t.Errorf("run is %s with %d states", result.Status, len(result.States))
		}
		w.stopped()
	},
}
