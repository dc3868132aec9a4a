package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// A world is a state manager, and the way to it.
type world struct {
	name    string
	url     string // "" in process
	pids    []int  // of worker and state manager
	option  exo.Option
	sm      transport.Provider
	trigger func(ctx context.Context, graph string, n int) error
	close   func() error
}

func inProcess() *world {
	sm := local.New(local.WithKeepRuns(keepRuns))
	return &world{
		name: "in process", pids: []int{os.Getpid()}, option: exo.WithStateManager(sm), sm: sm, close: sm.Close,
		trigger: func(ctx context.Context, graph string, n int) error { return triggerMany(ctx, sm, graph, n) },
	}
}

// overHTTP starts a state manager in another process.
func overHTTP(ctx context.Context, name, role, key string) (*world, error) {
	p, err := start(ctx, []string{keyVariable + "=" + key}, "-role", role)
	if err != nil {
		return nil, err
	}
	base, err := p.line()
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	sm := transport.HTTP{URL: base, APIKey: key}
	return &world{
		name: name, url: base, pids: []int{os.Getpid(), p.cmd.Process.Pid}, option: exo.WithStateManager(sm), sm: sm, close: p.stop,
		trigger: func(ctx context.Context, graph string, n int) error {
			return post(ctx, base+"/bench/runs?"+url.Values{"graph": {graph}, "n": {strconv.Itoa(n)}}.Encode())
		},
	}, nil
}

func post(ctx context.Context, to string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	err = errors.Join(err, answer.Body.Close())
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return err
}

// Text is what goes in and out of every node.
type Text struct {
	Text string `json:"text"`
}

// sample is of a usual length.
const sample = "a text of a usual length, no longer than this"

func same(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil }

const fan = 100

var (
	noop  = exo.Node("Noop", same)
	split = exo.FanOut("Split", func(_ context.Context, in Text, _ exo.None) ([]Text, error) {
		outs := make([]Text, fan)
		for i := range outs {
			outs[i] = in
		}
		return outs, nil
	})
	join  = exo.Node("Join", same)
	nodes = []node.Any{noop, split, join}
)

// Graphs, and how many states a run of each executes.
const (
	oneStep, oneStates     = "one", 1
	chainOf3, chainStates  = "chain", 3
	fanAndJoin, fanStates  = "fan", fan + 3
	longestPreparedAtOnce  = 20_000
	registrationAndUpserts = 30 * time.Second
)

func graphs() []*exo.Graph {
	one := exo.NewGraph(oneStep)
	exo.Add(one, "a", noop, Text{sample})

	chain := exo.NewGraph(chainOf3)
	a := exo.Add(chain, "a", noop, Text{sample})
	b := exo.Add(chain, "b", noop, Text{a.Out.Text}, exo.After(a))
	exo.Add(chain, "c", noop, Text{b.Out.Text}, exo.After(b))

	wide := exo.NewGraph(fanAndJoin)
	root := exo.Add(wide, "root", noop, Text{sample})
	many := exo.Add(wide, "split", split, Text{root.Out.Text}, exo.After(root))
	each := exo.Add(wide, "each", noop, Text{many.Out.Text}, exo.After(many))
	exo.Add(wide, "join", join, Text{root.Out.Text}, exo.After(each), exo.Unites(root, exo.AllSuccess))
	return []*exo.Graph{one, chain, wide}
}

func (w *world) manager() (*exo.StateManager, error) {
	return exo.NewStateManager(namespace, w.option, exo.WithLogger(zap.NewNop()))
}

// prepare registers the nodes and writes the graphs.
func (w *world) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, registrationAndUpserts)
	defer cancel()
	specs := make([]transport.NodeSpec, len(nodes))
	for i, n := range nodes {
		specs[i] = n.Spec()
	}
	if err := w.sm.Namespace(namespace).Register(ctx, "bench", specs); err != nil {
		return err
	}
	m, err := w.manager()
	if err != nil {
		return err
	}
	for _, g := range graphs() {
		if _, err := m.UpsertGraph(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// worker runs a runtime until stop is called, which gives Run's error.
func (w *world) worker(ctx context.Context, opts ...exo.RuntimeOption) (stop func() error, err error) {
	rt, err := exo.NewRuntime(namespace, "bench", nodes, append([]exo.RuntimeOption{w.option, exo.WithLogger(zap.NewNop())}, opts...)...)
	if err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- rt.Run(ctx) }()
	select {
	case <-rt.Ready():
	case err := <-done:
		return nil, errors.Join(errors.New("the runtime did not start"), err)
	}
	return func() error {
		err := rt.Shutdown(context.WithoutCancel(ctx))
		return errors.Join(err, <-done)
	}, nil
}

// triggerAll triggers runs, not all by one call.
func (w *world) triggerAll(ctx context.Context, graph string, runs int) error {
	for left := runs; left > 0; left -= longestPreparedAtOnce {
		if err := w.trigger(ctx, graph, min(left, longestPreparedAtOnce)); err != nil {
			return fmt.Errorf("trigger: %w", err)
		}
	}
	return nil
}

// consumed is what a runtime took for states that were waiting for it.
type consumed struct {
	took   time.Duration
	cpu    float64 // seconds, of worker and state manager
	allocs uint64  // of this process
}

// consume triggers runs, then starts a runtime, and waits until it has reported
// as many states as the runs execute.
func (w *world) consume(ctx context.Context, graph string, runs, states, workers int) (c consumed, err error) {
	if err := w.triggerAll(ctx, graph, runs); err != nil {
		return c, err
	}
	runtime.GC()
	var (
		before, after runtime.MemStats
		reported      atomic.Int64
		failed        = make(chan error, 1)
		all           = make(chan struct{})
	)
	trace := &exo.Trace{
		Registered: func([]string) { runtime.ReadMemStats(&before) },
		Reported: func(_ context.Context, _ node.Info, o exo.Outcome, _ time.Duration, err error) {
			if err != nil || o.Kind != exo.Executed {
				select {
				case failed <- fmt.Errorf("a state is %v: %w", o.Kind, err):
				default:
				}
			}
			if reported.Add(1) == int64(states) {
				close(all)
			}
		},
	}
	stop, err := w.worker(ctx, exo.WithWorkers(workers), exo.WithBatchSize(workers), exo.WithTrace(trace))
	if err != nil {
		return c, err
	}
	started, cpu := time.Now(), cpuTime(w.pids...)
	select {
	case <-all:
	case err = <-failed:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	c.took, c.cpu = time.Since(started), cpuTime(w.pids...)-cpu
	runtime.ReadMemStats(&after)
	c.allocs = after.Mallocs - before.Mallocs
	return c, errors.Join(err, stop())
}
