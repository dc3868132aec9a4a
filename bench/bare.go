package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bodies of a report of one state, as the protocol has them.
const (
	bareRequest    = `{"outputs":[{"text":"` + sample + `"}]}`
	bareAnswer     = `{"status":"EXECUTED"}`
	bareGoroutines = 64
)

// A bareClient makes calls over connections that are kept alive, and nothing else.
type bareClient struct {
	*http.Client
	key string
}

func newBareClient(key string) bareClient {
	return bareClient{&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: bareGoroutines + 1}}, key}
}

// call posts a body and reads the response into buf.
func (c bareClient) call(ctx context.Context, to, body string, buf *bytes.Buffer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header["Content-Type"] = []string{"application/json"}
	req.Header["X-Api-Key"] = []string{c.key}
	answer, err := c.Do(req)
	if err != nil {
		return err
	}
	buf.Reset()
	_, err = io.Copy(buf, answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, buf)
	}
	return errors.Join(err, answer.Body.Close())
}

// bare makes round trips to an endpoint that does nothing.
func bare(ctx context.Context, w *world, key string, n int) (map[string]float64, error) {
	client := newBareClient(key)
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(n))
	target := w.url + "/bench/bare/0123456789abcdef01234567"
	took, cpu, err := together(w, func() error {
		var buf bytes.Buffer
		for left.Add(-1) >= 0 {
			if err := client.call(ctx, target, bareRequest, &buf); err != nil {
				return err
			}
		}
		return nil
	})
	return map[string]float64{bareTrips: float64(n) / took.Seconds(), bareCPU: cpu / float64(n) * microseconds}, err
}

// together has the bare goroutines do the same, and says how long all took and
// the processor time of worker and state manager, in seconds.
func together(w *world, do func() error) (took time.Duration, cpu float64, err error) {
	var (
		wg   sync.WaitGroup
		errs [bareGoroutines]error
	)
	started, before := time.Now(), cpuTime(w.pids...)
	for i := range errs {
		wg.Go(func() { errs[i] = do() })
	}
	wg.Wait()
	return time.Since(started), cpuTime(w.pids...) - before, errors.Join(errs[:]...)
}

// singleCalls executes states as fast as the protocol without extensions lets
// anything do it: one goroutine claims ahead of the ones that report, by bare calls,
// with no more states claimed at a time than a runtime has, and no node runs.
func singleCalls(ctx context.Context, w *world, key string, s scale) (map[string]float64, error) {
	if err := w.triggerAll(ctx, oneStep, s.States); err != nil {
		return nil, err
	}
	client := newBareClient(key)
	defer client.CloseIdleConnections()
	base := w.url + "/v0/namespace/" + namespace
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ids := make(chan string, max(s.Workers/2, 1))
	claimed := make(chan error, 1)
	go func() {
		defer close(ids)
		claimed <- claimAll(ctx, client, base, s.States, ids)
	}()
	took, cpu, err := together(w, func() error {
		var buf bytes.Buffer
		for id := range ids {
			if err := client.call(ctx, base+"/state/"+id+"/executed", bareRequest, &buf); err != nil {
				cancel()
				return err
			}
		}
		return nil
	})
	return map[string]float64{
		singleRate: float64(s.States) / took.Seconds(),
		singleCPU:  cpu / float64(s.States) * microseconds,
	}, errors.Join(err, <-claimed)
}

// claimAll claims so many states, and gives their IDs.
func claimAll(ctx context.Context, client bareClient, base string, states int, ids chan<- string) error {
	var buf bytes.Buffer
	body := `{"nodes":["` + noop.Name() + `"],"batch_size":` + strconv.Itoa(cap(ids)) + `}`
	for states > 0 {
		if err := client.call(ctx, base+"/states/enqueue", body, &buf); err != nil {
			return err
		}
		_, rest, found := strings.Cut(buf.String(), `"state_id":"`)
		if !found {
			return fmt.Errorf("%d states fewer than were triggered", states)
		}
		for ; found; states-- {
			var id string
			id, rest, _ = strings.Cut(rest, `"`)
			select {
			case ids <- id:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			_, rest, found = strings.Cut(rest, `"state_id":"`)
		}
	}
	return nil
}
