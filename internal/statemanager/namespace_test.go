package statemanager_test

import (
	"errors"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// Every call with an id of another namespace answers 404, and changes nothing.
func TestOtherNamespaces(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.register("other", node("N"), node("NA", "a"))
	b.cron("g", transport.CronTrigger{Expression: "* * * * *"})
	run := b.run()
	s := b.leased(time.Minute)
	before := said(b.Run("ns", run))
	report := func(o transport.Outcome) error {
		_, err := b.Report(b.now, "other", transport.Report{StateID: s.ID, Token: s.Token, Outcome: o})
		return err
	}
	second := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"executed": report(outputs("x")),
		"errored":  report(transport.Errored{}),
		"prune":    report(transport.Pruned{}),
		"requeue":  report(transport.Requeued{After: 1}),
		"reports": func() error {
			_, errs := b.ReportAll(b.now, "other", []transport.Report{{StateID: s.ID, Token: s.Token, Outcome: outputs("x")}})
			return errs[0]
		}(),
		"secrets":      second(b.Secrets(b.now, "other", s.ID)),
		"store":        second(b.StoreAll("other", s.ID)),
		"store get":    func() error { _, _, err := b.StoreGet("other", s.ID, "k"); return err }(),
		"store set":    b.StoreSet(b.now, "other", s.ID, "k", "v"),
		"store swap":   second(b.StoreSwap(b.now, "other", s.ID, "k", nil, "v")),
		"store delete": b.StoreDelete(b.now, "other", s.ID, "k"),
		"graph":        second(b.Graph("other", "g")),
		"trigger":      second(b.Trigger(b.now, "other", "g", transport.TriggerSpec{})),
		"triggers":     second(b.CancelTriggers(b.now, "other", "g")),
		"run":          func() error { _, _, err := b.Run("other", run); return err }(),
		"at rest":      second(b.AtRest("other", run)),
		"run graph":    second(b.RunGraph("other", run)),
		"state":        second(b.StateDetail("other", "g", run, s.ID)),
		"manual retry": second(b.Retry(b.now, "other", s.ID, "x", true)),
		"cancel":       b.CancelRun(b.now, "other", run),
	} {
		if !errors.Is(err, transport.ErrNotFound) {
			t.Errorf("%s: %v, want 404", name, err)
		}
	}
	if lost := b.Heartbeat(b.now, "other", map[string]string{s.ID: s.Token}, time.Hour); len(lost) != 1 {
		t.Errorf("heartbeat: lost %v", lost)
	}
	if got := b.Claim(b.now, "other", transport.ClaimRequest{Nodes: []string{"N"}, Max: 9}); got != nil {
		t.Errorf("claim: %v", got)
	}
	if len(b.Graphs("other")) != 0 {
		t.Error("graphs of another namespace are listed")
	}
	if after := said(b.Run("ns", run)); after != before {
		t.Errorf("the run was\n%s\nand is\n%s", before, after)
	}
	b.report(s, outputs("x"))
}
