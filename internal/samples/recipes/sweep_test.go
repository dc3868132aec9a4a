package recipes_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exotest"
)

// sample:sweep
type (
	Sweep struct {
		Day string `json:"day" jsonschema:"default=today"`
	}
	Account struct {
		ID exo.Val[int] `json:"id"`
	}
	Swept struct {
		ID exo.Val[int] `json:"id"`
	}
	Branches struct {
		IDs exo.Val[[]exo.Branch[int]] `json:"ids"`
	}
	Tally struct {
		Swept  exo.Val[int] `json:"swept"`
		Failed exo.Val[int] `json:"failed"`
	}
)

// sweep goes through all accounts every night, a hundred at a time. Accounts that
// fail for good do not end it: they are counted.
func sweep(accounts func(day string) ([]int, error), one func(context.Context, int) error) (*exo.Graph, *exo.Step[Tally]) {
	begin := exo.Node("Begin", func(_ context.Context, in Sweep, _ exo.None) (Sweep, error) { return in, nil })
	list := exo.FanOut("ListAccounts", func(_ context.Context, in Sweep, _ exo.None) ([]Account, error) {
		ids, err := accounts(in.Day)
		all := make([]Account, len(ids))
		for i, id := range ids {
			all[i].ID = exo.Of(id)
		}
		return all, err
	})
	each := exo.Node("SweepAccount", func(ctx context.Context, in Account, _ exo.None) (Swept, error) {
		return Swept(in), one(ctx, in.ID.V)
	}, exo.WithConcurrency(100), exo.WithTimeout(time.Minute))
	count := exo.Node("Count", func(_ context.Context, in Branches, _ exo.None) (Tally, error) {
		failed := 0
		for _, b := range in.IDs.V {
			if !b.Succeeded() {
				failed++
			}
		}
		return Tally{Swept: exo.Of(len(in.IDs.V) - failed), Failed: exo.Of(failed)}, nil
	})

	g := exo.NewGraph("sweep").CronIn("Europe/Berlin", "30 2 * * *")
	day := exo.Add(g, "begin", begin, Sweep{})
	account := exo.Add(g, "list", list, day.Out, exo.After(day))
	swept := exo.Add(g, "sweep", each, account.Out, exo.After(account))
	return g, exo.Add(g, "count", count, Branches{IDs: exo.CollectAll(swept.Out.ID)},
		exo.After(swept), exo.Unites(day, exo.AllDone))
}

// nightly serves the sweep until ctx ends. What a sweep has not done by then is
// left to the next night.
func nightly(ctx context.Context, g *exo.Graph) error {
	in, err := local.Start(ctx, "jobs", local.WithGraphs(g), local.WithKeepRuns(30),
		local.WithRuntime(exo.WithWorkers(100), exo.WithBatchSize(100)))
	if err != nil {
		return err
	}
	<-ctx.Done()
	err = in.Close(context.WithoutCancel(ctx)) // executing nodes finish
	if unfinished := (*local.UnfinishedError)(nil); errors.As(err, &unfinished) {
		in.Runtime().Logger().Warn("a sweep was cut short: " + unfinished.Error())
		return nil
	}
	return err
}

// end sample

func accounts(n int) func(string) ([]int, error) {
	return func(string) ([]int, error) {
		ids := make([]int, n)
		for i := range ids {
			ids[i] = i
		}
		return ids, nil
	}
}

func TestSweepOf10000(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, counted := sweep(accounts(10_000), func(_ context.Context, id int) error {
			time.Sleep(time.Second)
			if id%1000 == 7 {
				return exo.Permanent(errors.New("account " + strconv.Itoa(id) + " is locked"))
			}
			return nil
		})
		result, err := local.Run(t.Context(), g, exo.TriggerOptions{}, quiet, local.WithRuntime(exo.WithWorkers(100), exo.WithBatchSize(100)))
		if err == nil || result == nil {
			t.Fatal("ten accounts failed, and so has the run", err)
		}
		tally, err := exo.Output(result, counted)
		if err != nil || tally.Swept.V != 9990 || tally.Failed.V != 10 {
			t.Errorf("%+v, %v", tally, err)
		}
		if result.Elapsed < 100*time.Second || result.Elapsed > 150*time.Second {
			t.Errorf("a hundred at a time took %v", result.Elapsed)
		}
	})
}

// sample:sweep test
func TestSweepByTheClock(t *testing.T) {
	g, counted := sweep(accounts(3), func(context.Context, int) error { return nil })
	sm := exotest.NewStateManager(t)
	sm.Upsert(t, g)
	sm.DriveFor(t, 48*time.Hour)
	for _, night := range sm.Results(t, g) {
		exotest.WantOutputs(t, night, counted, Tally{Swept: exo.Of(3), Failed: exo.Of(0)})
	}
	if n := len(sm.Results(t, g)); n != 2 {
		t.Errorf("%d nights", n)
	}
}

// end sample

func TestNightlyIsCutShort(t *testing.T) {
	t.Setenv("EXOSPHERE_DISABLE_DEFAULT_LOGGING", "1")
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var swept atomic.Int64
		g, _ := sweep(accounts(200), func(context.Context, int) error {
			if swept.Add(1) == 1 {
				time.AfterFunc(time.Second, stop)
			}
			time.Sleep(5 * time.Second)
			return nil
		})
		g.Cron("* * * * *")
		if err := nightly(ctx, g); err != nil {
			t.Error(err)
		}
		if n := swept.Load(); n != 100 {
			t.Errorf("%d accounts were swept", n)
		}
	})
}
