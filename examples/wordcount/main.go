// Command wordcount counts the lines, words and bytes of the text files below
// a folder, all of them in parallel, by a workflow that fans out to the files
// and joins their counts in a report.
//
//	go run ./examples/wordcount [flags] [DIR]
//
// Nothing else is needed: state manager and runtime are part of the program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "wordcount:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("wordcount", flag.ContinueOnError)
	flags.SetOutput(stderr)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 1 {
		return fmt.Errorf("one folder at a time, not %d", flags.NArg())
	}
	dir := "."
	if flags.NArg() == 1 {
		dir = flags.Arg(0)
	}

	started := time.Now()
	p := newProgress(stderr)
	g, reported := graph(dir)
	result, err := local.Run(ctx, g, exo.TriggerOptions{},
		local.WithRuntime(exo.WithTrace(p.trace())), local.WithLogger(zap.NewNop()))
	p.done()
	if err != nil {
		return err
	}
	out, err := exo.Output(result, reported)
	if err != nil {
		return err
	}
	return printTable(stdout, stderr, out.Report.V, time.Since(started))
}
