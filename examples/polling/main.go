// Command polling waits for work that is done elsewhere: it hands a picture to a
// render farm, looks after it from time to time, and fetches it when it is done.
// While it waits it keeps no worker busy.
//
//	go run ./examples/polling [-takes 1s] [-every 100ms]
package main

import (
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
		fmt.Fprintln(os.Stderr, "polling:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("polling", flag.ContinueOnError)
	flags.SetOutput(stderr)
	takes := flags.Duration("takes", time.Second, "how long the farm takes for a picture")
	every := flags.Duration("every", 100*time.Millisecond, "how often to look after it")
	if err := flags.Parse(args); err != nil {
		return err
	}

	f := &farm{takes: *takes}
	g, fetched := graph(f, *every)
	result, err := local.Run(ctx, g, exo.TriggerOptions{}, local.WithLogger(zap.NewNop()))
	if err != nil {
		return err
	}
	picture, err := exo.Output(result, fetched)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s after %d looks, %d retries\n", picture.Text, f.looks(), retries(result))
	return err
}

// retries is how many states were tried again. A requeue is none: the state
// stays the same, and the retry policy is for failures.
func retries(result *exo.RunResult) int {
	n := 0
	for _, state := range result.States {
		n += state.Attempt
	}
	return n
}

// graph is drawn like this:
//
//	submit → wait → fetch
//
// Its nodes are made here because they need the farm: a node is a function, and
// what it needs beside its inputs it closes over.
func graph(f *farm, every time.Duration) (*exo.Graph, *exo.Step[Picture]) {
	submit := exo.Node("Submit", func(_ context.Context, in Scene, _ exo.None) (Job, error) {
		return Job{ID: f.submit(in.Text)}, nil
	})

	// wait is executed again on the same input until the farm is done.
	wait := exo.Node("Wait", func(_ context.Context, in Job, _ exo.None) (Job, error) {
		done, err := f.done(in.ID)
		if err != nil {
			return Job{}, err
		}
		if !done {
			return Job{}, exo.RequeueAfter(every)
		}
		return in, nil
	})

	fetch := exo.Node("Fetch", func(_ context.Context, in Job, _ exo.None) (Picture, error) {
		text, err := f.fetch(in.ID)
		return Picture{Text: text}, err
	})

	g := exo.NewGraph("polling")
	submitted := exo.Add(g, "submit", submit, Scene{Text: "a bee"})
	waited := exo.Add(g, "wait", wait, submitted.Out, exo.After(submitted))
	fetched := exo.Add(g, "fetch", fetch, waited.Out, exo.After(waited))
	return g, fetched
}

type (
	// Scene is what the picture shall show.
	Scene struct {
		Text string `json:"text"`
	}
	// Job is what the farm calls its work.
	Job struct {
		ID string `json:"id"`
	}
	// Picture is the outcome.
	Picture struct {
		Text string `json:"text"`
	}
)
