// Command cron has a graph run at times of the clock. It shows the triggers,
// runs the graph once by hand, and with -times waits for runs by the clock, of
// which there is one a minute.
//
//	go run ./examples/cron [-times n]
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "cron:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("cron", flag.ContinueOnError)
	flags.SetOutput(stderr)
	times := flags.Int("times", 0, "how many runs by the clock to wait for")
	if err := flags.Parse(args); err != nil {
		return err
	}

	waiting, enough := context.WithCancel(ctx)
	reports := make(chan Report)
	g := graph(func(r Report) {
		select {
		case reports <- r:
		case <-waiting.Done(): // the receiver is gone
		}
	})
	in, err := local.Start(ctx, "examples", local.WithGraphs(g), local.DrainRuns(), local.WithLogger(zap.NewNop()))
	if err != nil {
		enough()
		return err
	}
	defer func() {
		enough() // before Close, which waits for the runs
		err = errors.Join(err, in.Close(context.WithoutCancel(ctx)))
	}()

	info, err := in.GetGraph(ctx, g.Name())
	if err != nil {
		return err
	}
	for _, t := range info.Triggers {
		if err := show(stdout, "trigger: %-12s in %s\n", t.Expression, cmp.Or(t.Timezone, "UTC")); err != nil {
			return err
		}
	}

	// Triggers are not all: a run can be started at any time. The clock gives no
	// inputs, so what the root step has in the graph must do.
	if _, err := in.Trigger(ctx, g.Name(), exo.TriggerOptions{Inputs: exo.Fields(Cause{By: "hand"})}); err != nil {
		return err
	}
	for range 1 + max(*times, 0) {
		select {
		case r := <-reports:
			if err := show(stdout, "run by %s\n", r.Text); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}

	// Triggers end with the next version of a graph, or when they are cancelled.
	cancelled, err := in.CancelTriggers(ctx, g.Name())
	if err != nil {
		return err
	}
	return show(stdout, "cancelled %d triggers\n", cancelled)
}

func show(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}

type (
	// Cause is why there is a run.
	Cause struct {
		By string `json:"by" jsonschema:"default=the clock"`
	}
	// Report says what has been done.
	Report struct {
		Text string `json:"text"`
	}
)

// graph has one step, and hands to done what it reports.
func graph(done func(Report)) *exo.Graph {
	tidy := exo.Node("TidyUp", func(_ context.Context, in Cause, _ exo.None) (Report, error) {
		r := Report{Text: in.By + " at " + time.Now().UTC().Format("15:04")}
		done(r)
		return r, nil
	})
	g := exo.NewGraph("cron").
		Cron("* * * * *").                      // every minute
		CronIn("Europe/Berlin", "30 4 * * 1-5") // at half past four there, from Monday to Friday
	exo.Add(g, "tidy", tidy, Cause{})
	return g
}
