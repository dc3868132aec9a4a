package recipes_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exotest"
)

// sample:approval
type (
	Expense struct {
		ID    string       `json:"id"`
		Euros exo.Val[int] `json:"euros"`
	}
	Decision struct {
		By       string        `json:"by"`
		Approved exo.Val[bool] `json:"approved"`
	}
)

// approvals is where decisions are written by whoever takes them, such as the
// handler of a form: a table of the program's database.
type approvals interface {
	Decision(ctx context.Context, expense string) (d Decision, found bool, err error)
}

// approval asks again and again whether there is a decision. Between the looks
// the state keeps no worker busy, and a requeue uses up no attempt.
func approval(from approvals) (*exo.Graph, *exo.Step[Decision]) {
	decide := exo.Node("Decide", func(ctx context.Context, in Expense, _ exo.None) (Decision, error) {
		if in.Euros.V < 100 {
			return Decision{By: "rule", Approved: exo.Of(true)}, nil
		}
		d, found, err := from.Decision(ctx, in.ID)
		if err == nil && !found {
			err = exo.RequeueAfter(time.Minute)
		}
		return d, err
	})
	pay := exo.Node("PayOut", func(_ context.Context, in Decision, _ exo.None) (Decision, error) {
		if !in.Approved.V {
			return Decision{}, exo.Prune(map[string]any{"refused by": in.By})
		}
		return in, nil
	})
	g := exo.NewGraph("expense")
	decided := exo.Add(g, "decide", decide, Expense{})
	return g, exo.Add(g, "pay out", pay, decided.Out, exo.After(decided))
}

// end sample

// desk keeps decisions in memory.
type desk struct {
	mu        sync.Mutex
	decisions map[string]Decision
	looks     int
}

func (d *desk) Decision(_ context.Context, expense string) (Decision, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	decision, found := d.decisions[expense]
	return decision, found, nil
}

func (d *desk) decide(expense string, decision Decision) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.decisions[expense] = decision
}

// sample:approval test
func TestApproval(t *testing.T) {
	d := &desk{decisions: map[string]Decision{}}
	g, paid := approval(d)
	sm := exotest.NewStateManager(t)
	run := sm.Trigger(t, g, exo.TriggerOptions{Inputs: exo.Fields(Expense{ID: "E-7", Euros: exo.Of(250)})})
	sm.DriveFor(t, 72*time.Hour) // a long weekend, in no time
	d.decide("E-7", Decision{By: "ada", Approved: exo.Of(true)})
	exotest.WantOutputs(t, sm.Wait(t, run), paid, Decision{By: "ada", Approved: exo.Of(true)})
}

// end sample

func TestApprovalRefusedOrNotNeeded(t *testing.T) {
	d := &desk{decisions: map[string]Decision{"E-8": {By: "bob"}}}
	g, paid := approval(d)
	sm := exotest.NewStateManager(t)
	result := sm.Drive(t, g, exo.TriggerOptions{Inputs: exo.Fields(Expense{ID: "E-8", Euros: exo.Of(100)})})
	exotest.WantOutputs(t, result, paid)
	if result.Status != exo.RunSuccess {
		t.Errorf("refused: %s", result.Status)
	}
	looks := d.looks
	result = sm.Drive(t, g, exo.TriggerOptions{Inputs: exo.Fields(Expense{ID: "E-9", Euros: exo.Of(99)})})
	exotest.WantOutputs(t, result, paid, Decision{By: "rule", Approved: exo.Of(true)})
	if d.looks != looks {
		t.Error("a small expense is looked for")
	}
}
