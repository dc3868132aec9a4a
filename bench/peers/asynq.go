package main

import (
	"context"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

const (
	asynqType = "noop"

	// asynqConcurrency is that of asynq's own benchmarks. On two cores none of 20,
	// 32, 64, 128 and 256 did better.
	asynqConcurrency = 10

	// asynqClients add jobs at once, before anything is measured.
	asynqClients = 16
)

// withAsynq gives do an empty Redis, and a client.
func withAsynq(ctx context.Context, do func(asynq.RedisClientOpt, *asynq.Client) error) error {
	at, err := address("PEERS_REDIS")
	if err != nil {
		return err
	}
	opt := asynq.RedisClientOpt{Addr: at, PoolSize: asynqConcurrency + asynqClients}
	db := redis.NewClient(&redis.Options{Addr: at})
	defer func() { _ = db.Close() }()
	if err := db.FlushAll(ctx).Err(); err != nil {
		return err
	}
	client := asynq.NewClient(opt)
	defer func() { _ = client.Close() }()
	return do(opt, client)
}

// serveAsynq executes jobs by handle until stop is called.
func serveAsynq(opt asynq.RedisClientOpt, checkEvery time.Duration, handle func()) (stop func(), err error) {
	server := asynq.NewServer(opt, asynq.Config{
		Concurrency: asynqConcurrency, TaskCheckInterval: checkEvery, LogLevel: asynq.FatalLevel,
	})
	err = server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		handle()
		return nil
	}))
	return server.Shutdown, err
}

// asynqJobs has n jobs wait in Redis, and executes them.
func asynqJobs(ctx context.Context, n int) (values map[string]float64, err error) {
	err = withAsynq(ctx, func(opt asynq.RedisClientOpt, client *asynq.Client) error {
		if err := addAsynqJobs(ctx, client, n); err != nil {
			return err
		}
		jobs, start := newCountdown(n), time.Now()
		stop, err := serveAsynq(opt, 0, jobs.one)
		if err != nil {
			return err
		}
		defer stop()
		rate, err := jobs.rate(ctx, n, start)
		values = map[string]float64{"asynq: jobs": rate}
		return err
	})
	return values, err
}

func addAsynqJobs(ctx context.Context, client *asynq.Client, n int) error {
	var (
		wg     sync.WaitGroup
		failed = make(chan error, asynqClients)
	)
	for i := range asynqClients {
		wg.Go(func() {
			for range (n + i) / asynqClients { // n in all
				if _, err := client.EnqueueContext(ctx, asynq.NewTask(asynqType, []byte(sample))); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed // nil when there are none
}

// asynqPickUp is at the default interval of a second, at which an idle server
// looks for jobs.
func asynqPickUp(ctx context.Context, n int) (map[string]float64, error) {
	p50, _, err := asynqPickUps(ctx, n, 0)
	return map[string]float64{"asynq: pick-up p50": p50}, err
}

// asynqFastPickUp has it look every millisecond.
func asynqFastPickUp(ctx context.Context, n int) (map[string]float64, error) {
	p50, p99, err := asynqPickUps(ctx, n, time.Millisecond)
	return map[string]float64{"asynq at 1 ms: pick-up p50": p50, "asynq at 1 ms: pick-up p99": p99}, err
}

func asynqPickUps(ctx context.Context, n int, checkEvery time.Duration) (p50, p99 float64, err error) {
	err = withAsynq(ctx, func(opt asynq.RedisClientOpt, client *asynq.Client) error {
		started := make(chan time.Time, 1)
		stop, err := serveAsynq(opt, checkEvery, func() { started <- time.Now() })
		if err != nil {
			return err
		}
		defer stop()
		p50, p99, err = pickUps(ctx, n, 3*time.Millisecond, func() error {
			_, err := client.EnqueueContext(ctx, asynq.NewTask(asynqType, []byte(sample)))
			return err
		}, started)
		return err
	})
	return p50, p99, err
}
