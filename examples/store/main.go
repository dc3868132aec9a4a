// Command store reads the pages of a catalogue by several readers at once, which
// share a cursor in the run's store: each takes the next page that no other has
// read, so that a slow reader keeps none waiting.
//
//	go run ./examples/store [-readers n] [-from page]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

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
		fmt.Fprintln(os.Stderr, "store:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("store", flag.ContinueOnError)
	flags.SetOutput(stderr)
	readers := flags.Int("readers", 4, "how many read at once")
	from := flags.Int("from", 0, "page to begin with")
	if err := flags.Parse(args); err != nil {
		return err
	}

	g, summed := graph()
	result, err := local.Run(ctx, g, exo.TriggerOptions{
		Inputs: exo.Fields(Plan{Readers: exo.Of(*readers)}),
		Store:  exo.Fields(Start{Cursor: exo.Of(*from)}),
	}, local.WithLogger(zap.NewNop()))
	if err != nil {
		return err
	}
	sum, err := exo.Output(result, summed)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%v words on %v pages\n", sum.Words, sum.Pages)
	return err
}

// graph is drawn like this:
//
//	plan → readers ⇉ read ⇉ sum (unites plan)
func graph() (*exo.Graph, *exo.Step[Sum]) {
	g := exo.NewGraph("store")
	exo.DeclareStore[Start](g) // what the store holds when a run begins
	plan := exo.Add(g, "plan", makePlan, Plan{})
	reader := exo.Add(g, "readers", sendReaders, plan.Out, exo.After(plan))
	read := exo.Add(g, "read", readPages, reader.Out, exo.After(reader))
	sum := exo.Add(g, "sum", sumUp, exo.None{}, exo.After(read), exo.Unites(plan, exo.AllSuccess))
	return g, sum
}
