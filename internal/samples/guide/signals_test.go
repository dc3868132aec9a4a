package guide_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exotest"
)

// payment stands for what a bank would say.
type payment struct {
	found, cancelled, booked bool
}

var bank = map[string]payment{
	"paid":      {found: true, booked: true},
	"cancelled": {found: true, cancelled: true},
	"underway":  {found: true},
}

// errAway is what the bank says when it says nothing.
var errAway = errors.New("the bank is away")

func ask(_ context.Context, number string) (payment, error) {
	if number == "away" {
		return payment{}, errAway
	}
	return bank[number], nil
}

// sample:signals
var Paid = exo.Node("Paid", func(ctx context.Context, in Invoice, _ exo.None) (Invoice, error) {
	p, err := ask(ctx, in.Number)
	switch {
	case err != nil:
		return Invoice{}, err // tried again, by the retry policy of the graph
	case !p.found:
		return Invoice{}, exo.Permanent(errors.New("no such invoice")) // not tried again
	case p.cancelled:
		return Invoice{}, exo.Prune(map[string]any{"reason": "cancelled"}) // the branch ends, all is well
	case !p.booked:
		return Invoice{}, exo.RequeueAfter(time.Hour) // the same again in an hour
	}
	return in, nil
}, exo.WithTimeout(time.Minute))

// end sample

func TestPaid(t *testing.T) {
	run := func(number string) *exotest.Result[Invoice] {
		return exotest.Run(t, Paid, Invoice{Number: number}, exo.None{})
	}
	if got := run("paid").One(t); got.Number != "paid" {
		t.Errorf("paid: %+v", got)
	}
	if got := run("cancelled"); !got.Pruned || got.PruneData["reason"] != "cancelled" {
		t.Errorf("cancelled: %v", got)
	}
	if got := run("underway"); got.RequeueAfter != time.Hour {
		t.Errorf("underway: %v", got)
	}
	if got := run("unknown"); got.Err == nil {
		t.Errorf("unknown: %v", got)
	}
	if got := run("away"); !errors.Is(got.Err, errAway) {
		t.Errorf("away: %v", got)
	}
}

// sample:retry
func paying(number string) (*exo.Graph, *exo.Step[Invoice]) {
	g := exo.NewGraph("paying").Retry(exo.RetryPolicy{
		MaxRetries: 4,
		Strategy:   exo.ExponentialFullJitter,
		Backoff:    time.Minute,
		Exponent:   3,
		MaxDelay:   time.Hour,
	})
	return g, exo.Add(g, "paid", Paid, Invoice{Number: number, Total: exo.Of(5)})
}

// end sample

// sample:retry test
func TestPaying(t *testing.T) {
	g, paid := paying("paid")
	sm := exotest.NewStateManager(t)
	sm.FailOn("paid", 0, errAway)
	sm.FailOn("paid", 1, errAway)
	result := sm.Drive(t, g, exo.TriggerOptions{})
	exotest.WantAttempts(t, result, "paid", 3)
	exotest.WantOutputs(t, result, paid, Invoice{Number: "paid", Total: exo.Of(5)})
}

// end sample

func TestPayingFails(t *testing.T) {
	g, _ := paying("away")
	result := exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{})
	exotest.WantFailure(t, result, "paid", "the bank is away")
	exotest.WantAttempts(t, result, "paid", 5)

	g, _ = paying("unknown")
	result = exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{})
	exotest.WantFailure(t, result, "paid", "no such invoice")
	exotest.WantAttempts(t, result, "paid", 1)
}

// sample:key
var Charge = exo.Node("Charge", func(ctx context.Context, in Invoice, _ exo.None) (Invoice, error) {
	info := exo.Info(ctx)
	key := fmt.Sprintf("%s/%s/%s", info.RunID, info.Identifier, in.Number) // the same at every attempt
	return in, charge(ctx, key, in.Total.V)
})

// end sample

var charged = map[string]int{}

func charge(_ context.Context, key string, total int) error {
	charged[key] = total
	return nil
}

func TestCharge(t *testing.T) {
	for range 2 {
		exotest.Run(t, Charge, Invoice{Number: "1", Total: exo.Of(5)}, exo.None{}).One(t)
	}
	if len(charged) != 1 {
		t.Errorf("charged %v, want it once", charged)
	}
}
