package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// remoteWorld is the world of a child process.
func remoteWorld() *world {
	url, key := os.Getenv(urlVariable), os.Getenv(keyVariable)
	sm := transport.HTTP{URL: url, APIKey: key}
	return &world{name: "over HTTP", url: url, option: exo.WithStateManager(sm), sm: sm}
}

// idle is a worker that has nothing to do, and says after a while how much
// memory it has.
func idle(ctx context.Context, stdout io.Writer) error {
	rt, err := exo.NewRuntime(namespace, "bench", []node.Any{join}, remoteWorld().option, exo.WithLogger(zap.NewNop()))
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- rt.Run(ctx) }()
	<-rt.Ready()
	time.Sleep(2 * time.Second)
	if _, err := fmt.Fprintln(stdout, resident()); err != nil {
		return err
	}
	return errors.Join(rt.Shutdown(context.WithoutCancel(ctx)), <-done)
}

func idleMemory(ctx context.Context, url, key string) (map[string]float64, error) {
	p, err := start(ctx, childEnv(url, key), "-role", "idle")
	if err != nil {
		return nil, err
	}
	line, err := p.line()
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	mib, err := strconv.ParseFloat(line, 64)
	return map[string]float64{idleRSS: mib}, errors.Join(err, p.stop())
}

func childEnv(url, key string) []string {
	return []string{urlVariable + "=" + url, keyVariable + "=" + key}
}

// A soakSample is what a worker has after so many states.
type soakSample struct {
	States     int     `json:"states"`
	Goroutines int     `json:"goroutines"`
	RSS        float64 `json:"rss_mib"`
	Heap       float64 `json:"heap_mib"` // in use, after a collection
}

// soak executes states for long, and says ten times what it holds.
func soak(ctx context.Context, s scale, stdout io.Writer) error {
	var (
		reported atomic.Int64
		part     = make(chan struct{}, 1)
		every    = int64(s.Soak / soakSamples)
	)
	stop, err := remoteWorld().worker(ctx, exo.WithWorkers(s.Workers), exo.WithBatchSize(s.Workers), exo.WithTrace(&exo.Trace{
		Reported: func(context.Context, node.Info, exo.Outcome, time.Duration, error) {
			if reported.Add(1)%every == 0 {
				part <- struct{}{}
			}
		},
	}))
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(stdout)
	for i := range soakSamples {
		select {
		case <-part:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), stop())
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if err := encoder.Encode(soakSample{
			States: (i + 1) * int(every), Goroutines: runtime.NumGoroutine(), RSS: resident(), Heap: float64(m.HeapInuse) / (1 << 20),
		}); err != nil {
			return errors.Join(err, stop())
		}
	}
	return stop()
}

const soakSamples = 10

// soakRemotely has a worker in another process executes states, of which there
// are always some waiting but never all.
func soakRemotely(ctx context.Context, w *world, key string, s scale) (samples []soakSample, err error) {
	p, err := start(ctx, childEnv(w.url, key), "-role", "soak", "-soak", strconv.Itoa(s.Soak), "-workers", strconv.Itoa(s.Workers))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	every := s.Soak / soakSamples
	for range soakSamples {
		if err := w.trigger(ctx, oneStep, every); err != nil {
			return nil, err
		}
		line, err := p.line()
		if err != nil {
			return nil, err
		}
		var sample soakSample
		if err := json.Unmarshal([]byte(line), &sample); err != nil {
			return nil, err
		}
		samples = append(samples, sample)
	}
	return samples, nil
}
