package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Three minutes, in virtual time: a bubble begins at midnight.
func TestRunsByTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"-times", "3"}, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		want := "trigger: * * * * *    in UTC\ntrigger: 30 4 * * 1-5 in Europe/Berlin\n" +
			"run by hand at 00:00\nrun by the clock at 00:01\nrun by the clock at 00:02\nrun by the clock at 00:03\n" +
			"cancelled 2 triggers\n"
		if out.String() != want {
			t.Errorf("%q, want\n%q", &out, want)
		}
	})
}

func TestEndsByItself(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?s)run by (hand|the clock) at \d\d:\d\d\n.*cancelled 2 triggers\n$`).MatchString(out.String()) {
		t.Error(out.String())
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, nil, io.Discard, io.Discard); err == nil {
		t.Error("it does as if nothing had been")
	}
}
