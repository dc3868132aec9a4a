package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// A measurement gives values by the names of rows.
type measurement struct {
	name string
	make func(context.Context) (map[string]float64, error)
}

// measurements are made in this order in every round.
func measurements(s scale, local, remote, plain *world, others *peers, key string) []measurement {
	list := []measurement{{"engine", func(context.Context) (map[string]float64, error) { return engine(s.States) }}}
	for _, w := range []*world{local, remote, plain} {
		switch w { // right before what is compared with it
		case remote:
			list = append(list, measurement{"bare", func(ctx context.Context) (map[string]float64, error) {
				return bare(ctx, remote, key, s.States)
			}})
		case plain:
			list = append(list, measurement{"single calls", func(ctx context.Context) (map[string]float64, error) {
				return singleCalls(ctx, plain, key, s)
			}})
		}
		list = append(list, measurement{"throughput, " + w.name, func(ctx context.Context) (map[string]float64, error) {
			c, err := w.consume(ctx, oneStep, s.States, s.States*oneStates, s.Workers)
			return map[string]float64{
				row(throughput, w): float64(s.States) / c.took.Seconds(),
				row(allocs, w):     float64(c.allocs) / float64(s.States),
				row(cpuEach, w):    c.cpu / float64(s.States) * microseconds,
			}, err
		}})
		if w == remote {
			list = append(list, others.throughput(s)...)
		}
		list = append(list,
			measurement{"default throughput, " + w.name, func(ctx context.Context) (map[string]float64, error) {
				c, err := w.consume(ctx, oneStep, s.States, s.States*oneStates, 32)
				return map[string]float64{row(throughputDefault, w): float64(s.States) / c.took.Seconds()}, err
			}},
			measurement{"chain, " + w.name, func(ctx context.Context) (map[string]float64, error) {
				c, err := w.consume(ctx, chainOf3, s.Chains, s.Chains*chainStates, s.Workers)
				return map[string]float64{row(chains, w): float64(s.Chains) / c.took.Seconds()}, err
			}},
			measurement{"fan-out, " + w.name, func(ctx context.Context) (map[string]float64, error) {
				c, err := w.consume(ctx, fanAndJoin, s.Fans, s.Fans*fanStates, s.Workers)
				return map[string]float64{row(fans, w): float64(s.Fans) / c.took.Seconds()}, err
			}},
			measurement{"pick-up, " + w.name, func(ctx context.Context) (map[string]float64, error) {
				n := s.PickUps
				if w == plain {
					n = s.Polls
				}
				return pickUp(ctx, w, n)
			}})
		if w == remote {
			list = append(list, others.latency(s)...)
		}
	}
	return append(list, measurement{"idle", func(ctx context.Context) (map[string]float64, error) { return idleMemory(ctx, remote.url, key) }})
}

// engine claims and reports on one goroutine, 64 states at a time.
func engine(n int) (map[string]float64, error) {
	const batch = 64
	now := time.Now()
	e := statemanager.New(statemanager.Options{KeepRuns: keepRuns})
	if err := e.Register(now, namespace, "bench", []transport.NodeSpec{noop.Spec()}); err != nil {
		return nil, err
	}
	if _, err := e.PutGraph(now, namespace, oneStep, graphs()[0].Spec(namespace)); err != nil {
		return nil, err
	}
	for range n {
		if _, err := e.Trigger(now, namespace, oneStep, transport.TriggerSpec{}); err != nil {
			return nil, err
		}
	}
	outcome := transport.Executed{Outputs: []transport.Object{transport.Object(`{"text":"` + sample + `"}`)}}
	claim := transport.ClaimRequest{Nodes: []string{noop.Name()}, Max: batch, Lease: 30 * time.Second}
	reports := make([]transport.Report, 0, batch)
	started := time.Now()
	for done := 0; done < n; done += len(reports) {
		states := e.Claim(now, namespace, claim)
		if len(states) == 0 {
			return nil, fmt.Errorf("the engine has %d states fewer than it was given", n-done)
		}
		reports = reports[:0]
		for _, s := range states {
			reports = append(reports, transport.Report{StateID: s.ID, Token: s.Token, Outcome: outcome})
		}
		_, errs := e.ReportAll(now, namespace, reports)
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
	}
	return map[string]float64{engineAlone: float64(n) / time.Since(started).Seconds()}, nil
}

// pickUp triggers one run at a time of an idle runtime, and takes the time from
// before the trigger's call until the node runs.
func pickUp(ctx context.Context, w *world, n int) (_ map[string]float64, err error) {
	m, err := w.manager()
	if err != nil {
		return nil, err
	}
	startedAt := make(chan time.Time, 1)
	reported := make(chan error, 1)
	stop, err := w.worker(ctx, exo.WithTrace(&exo.Trace{
		Started: func(ctx context.Context, _ node.Info) context.Context {
			startedAt <- time.Now()
			return ctx
		},
		Reported: func(_ context.Context, _ node.Info, _ exo.Outcome, _ time.Duration, err error) {
			reported <- err
		},
	}))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	runtime.GC() // what earlier measurements left is not this one's
	// Idle again: a claim is held, or polls have become as rare as they get.
	pause := 3 * time.Millisecond
	if w.url != "" && n < 100 {
		pause = 1700 * time.Millisecond
	}
	var samples []time.Duration
	for i := range n {
		time.Sleep(pause + time.Duration(i%7)*pause/10)
		begun := time.Now()
		if _, err := m.Trigger(ctx, oneStep, exo.TriggerOptions{}); err != nil {
			return nil, err
		}
		select {
		case at := <-startedAt:
			samples = append(samples, at.Sub(begun))
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if err := <-reported; err != nil {
			return nil, err
		}
	}
	slices.Sort(samples)
	values := map[string]float64{row(pickUp50, w): milliseconds(samples[len(samples)/2])}
	if n >= 100 {
		values[row(pickUp99, w)] = milliseconds(samples[len(samples)*99/100])
	}
	return values, nil
}

const microseconds = 1e6 // in a second

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }
