package exo_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

var workerKilled = map[string]func(*testing.T, *bubble){
	"its state is retried when its lease ends": func(t *testing.T, b *bubble) {
		started := make(chan struct{}, 1)
		first := b.worker(nil, exo.Nodes(onState(func(ctx context.Context) error {
			started <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})))
		g, _ := one(onState(nil))
		g.Retry(retries(2))
		r := b.trigger(g)
		<-started
		died := time.Now()
		first.kill()

		var attempt atomic.Int64
		second := b.worker(nil, exo.Nodes(onState(func(ctx context.Context) error {
			attempt.Store(int64(exo.Info(ctx).Attempt))
			return nil
		})))
		result := b.wait(r)
		// 30 seconds of lease at the most, and a second of backoff.
		if took := time.Since(died); took > 32*time.Second {
			t.Errorf("the state was stuck for %v", took)
		}
		if len(result.States) != 2 || result.States[0].Status != transport.StatusRetryCreated || result.States[0].Error != "lease expired" {
			t.Errorf("states %+v", result.States)
		}
		if result.Status != exo.RunSuccess || attempt.Load() != 1 {
			t.Errorf("run is %s after attempt %d", result.Status, attempt.Load())
		}
		second.stopped()
		if err := <-first.done; !errors.Is(err, exo.ErrDrainTimeout) {
			t.Errorf("Run of the dead: %v", err)
		}
	},
	"a late report is refused": func(t *testing.T, b *bubble) {
		release := make(chan struct{})
		stuck := b.worker(nil, exo.Nodes(onState(func(context.Context) error {
			<-release
			return nil
		})))
		g, _ := one(onState(nil))
		g.Retry(retries(2))
		r := b.trigger(g)
		settle()
		stuck.link.Cut() // it hangs, and comes back
		b.expect(r, map[exo.Status]int{transport.StatusQueued: 1})
		time.Sleep(40 * time.Second)
		close(release)
		settle()
		other := b.worker(nil, exo.Nodes(onState(func(context.Context) error { return errors.New("of the other") })))
		result := b.wait(r)
		stuck.link.Mend()
		time.Sleep(time.Minute)
		if s := stuck.Stats(); s.Executed != 1 || s.ReportErrors != 1 || s.Reported != 0 || s.Unreported != 0 {
			t.Errorf("stats of the late: %+v", s)
		}
		if stuck.logged("report refused: state no longer held") != 1 {
			t.Error("the refusal is not logged once")
		}
		if result.Status != exo.RunFailed {
			t.Errorf("run is %s: the late report counted", result.Status)
		}
		b.expect(r, map[exo.Status]int{transport.StatusRetryCreated: 2, transport.StatusErrored: 1})
		other.stopped()
		stuck.stopped()
	},
	"a node that hears of its lost lease is cancelled, and nothing is reported": func(t *testing.T, b *bubble) {
		cause := make(chan error, 1)
		stuck := b.worker(nil, exo.Nodes(onState(func(ctx context.Context) error {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return nil // as if it had worked
		})))
		g, _ := one(onState(nil))
		g.Retry(exo.NoRetry())
		r := b.trigger(g)
		settle()
		stuck.link.Cut()
		time.Sleep(40 * time.Second)
		stuck.link.Mend()
		if err := <-cause; !errors.Is(err, exo.ErrLeaseLost) {
			t.Errorf("cause %v", err)
		}
		settle()
		if s := stuck.Stats(); s.Lost != 1 || s.Executed != 0 || s.Reported+s.ReportErrors != 0 || s.Claimed != 1 {
			t.Errorf("stats: %+v", s)
		}
		b.expect(r, map[exo.Status]int{transport.StatusErrored: 1})
		stuck.stopped()
	},
	// The reference server has no leases: what its worker leaves stays QUEUED.
	"without leases its state stays queued": func(t *testing.T, b *bubble) {
		sm := local.New(local.WithoutExtensions())
		defer func() { _ = sm.Close() }()
		b.sm = sm
		w := b.worker(nil, exo.Nodes(onState(func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})))
		g, _ := one(onState(nil))
		r := b.trigger(g)
		time.Sleep(2 * time.Second)
		w.kill()
		time.Sleep(24 * time.Hour)
		b.expect(r, map[exo.Status]int{transport.StatusQueued: 1})
		if err := <-w.done; err != nil {
			t.Log("the killed worker ended with", err)
		}
	},
}

var poison = map[string]func(*testing.T, *bubble){
	"uses up its retries and fails": func(t *testing.T, b *bubble) {
		const attempts = 4
		g, _ := one(onState(nil))
		g.Retry(retries(attempts - 1))
		dead := make(chan *worker, attempts)
		next := make(chan *worker, 1)
		var executions atomic.Int64
		deadly := onState(func(ctx context.Context) error {
			executions.Add(1)
			w := <-next
			w.kill()
			dead <- w
			<-ctx.Done()
			return ctx.Err()
		})
		spawn := func() { next <- b.worker(nil, exo.Nodes(deadly)) }
		spawn()
		r := b.trigger(g)
		for i := range attempts {
			w := <-dead
			if i < attempts-1 {
				spawn()
			}
			if err := <-w.done; err != nil {
				t.Log("the killed worker ended with", err)
			}
		}
		result := b.wait(r)
		if result.Status != exo.RunFailed {
			t.Errorf("run is %s", result.Status)
		}
		executed(t, &executions, attempts)
		b.expect(r, map[exo.Status]int{transport.StatusRetryCreated: attempts - 1, transport.StatusErrored: 1})
	},
}

var ignoredContext = map[string]func(*testing.T, *bubble){
	"is logged with its stack, counted, and keeps its worker": func(t *testing.T, b *bubble) {
		release := make(chan struct{})
		var calls atomic.Int64
		n := onState(func(context.Context) error {
			if calls.Add(1) == 1 {
				stubbornlyWait(release)
			}
			return nil
		}, exo.WithTimeout(time.Minute))
		g, _ := one(n)
		w := b.worker(nil, g.Nodes(), exo.WithWorkers(1))
		first := b.trigger(g)
		settle()
		second := b.trigger(g)
		time.Sleep(time.Minute + 4*time.Second)
		if w.Stats().Overdue != 0 {
			t.Error("said too early to ignore its context")
		}
		time.Sleep(2 * time.Second)
		if s := w.Stats(); s.Overdue != 1 || s.Executing != 1 {
			t.Errorf("stats %+v", s)
		}
		if w.logged("node ignores its timeout; its worker stays busy until it returns") != 1 || !w.mentions("stubbornlyWait") {
			t.Error("not logged with its stack")
		}
		time.Sleep(time.Hour)
		b.expect(second, map[exo.Status]int{transport.StatusCreated: 1})
		close(release)
		if result := b.wait(second); result.Status != exo.RunSuccess {
			t.Errorf("the other run is %s", result.Status)
		}
		if result := b.wait(first); result.Status != exo.RunSuccess { // late, but it worked, and its lease was kept
			t.Errorf("the first run is %s", result.Status)
		}
		if s := w.Stats(); s.Overdue != 0 || s.Executing != 0 {
			t.Errorf("stats %+v", s)
		}
		w.stopped()
	},
}

func stubbornlyWait(release <-chan struct{}) { <-release }
