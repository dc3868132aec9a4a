package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverArgs are what a job carries.
type riverArgs struct {
	Text string `json:"text"`
}

// Kind is the name of the jobs.
func (riverArgs) Kind() string { return "noop" }

// A riverWorker executes jobs by a function.
type riverWorker struct {
	river.WorkerDefaults[riverArgs]
	handle func()
}

// Work executes a job.
func (w *riverWorker) Work(context.Context, *river.Job[riverArgs]) error {
	w.handle()
	return nil
}

// riverBatch is how many jobs are added by one call.
const riverBatch = 5000

// withRiver gives do a client, without any jobs, that executes them by handle
// once it is started. It has the settings with which River's own benchmark reports
// that it is fastest.
func withRiver(ctx context.Context, handle func(), do func(*river.Client[pgx.Tx]) error) error {
	at, err := address("PEERS_POSTGRES")
	if err != nil {
		return err
	}
	db, err := pgxpool.New(ctx, at)
	if err != nil {
		return err
	}
	defer db.Close()
	driver := riverpgxv5.New(db)
	silent := slog.New(slog.DiscardHandler)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: silent})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	for _, statement := range []string{"TRUNCATE river_job", "VACUUM FULL river_job"} {
		if _, err := db.Exec(ctx, statement); err != nil {
			return err
		}
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{handle: handle})
	client, err := river.NewClient(driver, &river.Config{
		FetchCooldown:     2 * time.Millisecond,
		FetchPollInterval: 20 * time.Millisecond,
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2000}},
		Workers:           workers,
		Logger:            silent,
	})
	if err != nil {
		return err
	}
	return do(client)
}

// riverJobs has n jobs wait in PostgreSQL, and executes them. A job counts once
// it is marked as completed.
func riverJobs(ctx context.Context, n int) (values map[string]float64, err error) {
	err = withRiver(ctx, func() {}, func(client *river.Client[pgx.Tx]) error {
		if err := addRiverJobs(ctx, client, n); err != nil {
			return err
		}
		events, unsubscribe := client.SubscribeConfig(&river.SubscribeConfig{
			ChanSize: n, Kinds: []river.EventKind{river.EventKindJobCompleted},
		})
		defer unsubscribe()
		jobs, start := newCountdown(n), time.Now()
		go func() {
			for range events {
				jobs.one()
			}
		}()
		if err := client.Start(ctx); err != nil {
			return err
		}
		rate, err := jobs.rate(ctx, n, start)
		if stopped := client.Stop(ctx); err == nil {
			err = stopped
		}
		values = map[string]float64{"River: jobs": rate}
		return err
	})
	return values, err
}

func addRiverJobs(ctx context.Context, client *river.Client[pgx.Tx], n int) error {
	params := make([]river.InsertManyParams, min(n, riverBatch))
	for i := range params {
		params[i] = river.InsertManyParams{Args: riverArgs{Text: sample}}
	}
	for ; n > 0; n -= len(params) {
		if _, err := client.InsertManyFast(ctx, params[:min(n, len(params))]); err != nil {
			return fmt.Errorf("add jobs: %w", err)
		}
	}
	return nil
}

// riverPickUp is at the intervals of River's benchmark.
func riverPickUp(ctx context.Context, n int) (values map[string]float64, err error) {
	started := make(chan time.Time, 1)
	err = withRiver(ctx, func() { started <- time.Now() }, func(client *river.Client[pgx.Tx]) error {
		if err := client.Start(ctx); err != nil {
			return err
		}
		p50, p99, err := pickUps(ctx, n, 5*time.Millisecond, func() error {
			_, err := client.Insert(ctx, riverArgs{Text: sample}, nil)
			return err
		}, started)
		if stopped := client.Stop(ctx); err == nil {
			err = stopped
		}
		values = map[string]float64{"River: pick-up p50": p50, "River: pick-up p99": p99}
		return err
	})
	return values, err
}
