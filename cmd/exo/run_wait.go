package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/exospherehost/exo-go/exo"
)

// A runFailedError is about a run that did not succeed.
type runFailedError struct{ error }

func (e runFailedError) Unwrap() error { return e.error }

func timeoutFlag() cli.Flag {
	return &cli.DurationFlag{Name: "timeout", Usage: "give up after a `DURATION`, such as 10m; the run goes on", DefaultText: "wait for ever"}
}

func checkTimeout(c *cli.Command) error {
	if c.Duration("timeout") < 0 {
		return usageError{errors.New("--timeout must not be negative")}
	}
	return nil
}

// resultJSON is a terminal run for programs, by the names of the protocol.
type resultJSON struct {
	RunID     string        `json:"run_id"`
	Graph     string        `json:"graph_name"`
	Status    exo.RunStatus `json:"status"`
	ElapsedMS int64         `json:"elapsed_ms"`
	States    []exo.State   `json:"states"`
}

// waitForRun waits until the run is terminal and shows its outcome.
func waitForRun(ctx context.Context, env environment, c *cli.Command, run *exo.Run) error {
	if timeout := c.Duration("timeout"); timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the run has not finished after %v", timeout))
		defer cancel()
	}
	stop := func() {}
	if isTerminal(env.stderr) {
		stop = showProgress(ctx, env.stderr, run)
	}
	result, err := run.Wait(ctx)
	stop()
	if result == nil {
		return err
	}
	if shown := show(env, c, resultJSON{result.ID, result.Graph, result.Status, result.Elapsed.Milliseconds(), result.States}, func(w io.Writer) error { return printResult(w, result) }); shown != nil {
		return shown
	}
	switch {
	case err != nil: // stuck
		return runFailedError{err}
	case result.Status != exo.RunSuccess:
		return runFailedError{result.Err()}
	}
	return nil
}

func printResult(w io.Writer, r *exo.RunResult) error {
	rows := make([][]string, len(r.States))
	for i := range r.States {
		s := &r.States[i]
		outcome := string(s.Outputs)
		if s.Error != "" {
			outcome = s.Error
		}
		rows[i] = []string{s.ID, s.Identifier, string(s.Status), outcome}
	}
	if err := table(w, "STATE STEP STATUS OUTCOME", rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nrun %s of graph %s: %s after %v\n", r.ID, cell(r.Graph), r.Status, r.Elapsed.Round(time.Millisecond))
	return err
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// progressInterval is how often a run is looked after while it is waited for.
const progressInterval = time.Second

// showProgress keeps a line on a terminal up to date until stop is called, which
// wipes it. What it cannot read or write it leaves out: it is for comfort.
func showProgress(ctx context.Context, w io.Writer, run *exo.Run) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var showing sync.WaitGroup
	showing.Go(func() {
		tick := time.NewTicker(progressInterval)
		defer tick.Stop()
		for {
			if g, err := run.Graph(ctx); err == nil {
				_, _ = fmt.Fprintf(w, "\r\x1b[K%s", summary(g.Summary))
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				_, _ = io.WriteString(w, "\r\x1b[K")
				return
			}
		}
	})
	return func() {
		cancel()
		showing.Wait()
	}
}
