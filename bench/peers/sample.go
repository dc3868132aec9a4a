package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// sample is what a job carries: as much as a state does in bench.
const sample = "a text of a usual length, no longer than this"

// A countdown is closed once so many jobs are done.
type countdown struct {
	left atomic.Int64
	done chan struct{}
}

func newCountdown(n int) *countdown {
	c := &countdown{done: make(chan struct{})}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) one() {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
}

// rate waits until all jobs are done, and says how many there were in a second
// since the start.
func (c *countdown) rate(ctx context.Context, n int, start time.Time) (float64, error) {
	select {
	case <-c.done:
		return float64(n) / time.Since(start).Seconds(), nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// pickUps adds one job at a time to an idle worker's queue, and takes the time
// from before that until the job is begun, which started says. Between jobs it
// waits for about so long, so that the worker is idle again. It gives the median
// and the 99th percentile, in milliseconds.
func pickUps(ctx context.Context, n int, pause time.Duration, add func() error, started <-chan time.Time) (p50, p99 float64, err error) {
	samples := make([]time.Duration, 0, n)
	for i := range n {
		time.Sleep(pause + time.Duration(i%7)*pause/10)
		begun := time.Now()
		if err := add(); err != nil {
			return 0, 0, err
		}
		select {
		case at := <-started:
			samples = append(samples, at.Sub(begun))
		case <-ctx.Done():
			return 0, 0, context.Cause(ctx)
		}
	}
	slices.Sort(samples)
	return milliseconds(samples[n/2]), milliseconds(samples[n*99/100]), nil
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }
