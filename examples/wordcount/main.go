// Command wordcount counts the lines, words and bytes of the text files below
// a folder, all of them in parallel, by a workflow that fans out to the files
// and joins their counts in a report.
//
//	go run ./examples/wordcount [flags] [DIR]
//
// Nothing else is needed: state manager and runtime are part of the program.
// With --state-manager the same nodes and graph run against another one, which
// needs the extension "collect" (docs/differences.md).
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
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

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("wordcount", flag.ContinueOnError)
	flags.SetOutput(stderr)
	url := flags.String("state-manager", "", "`URL` of a state manager to use in place of the embedded one; the key is read from EXOSPHERE_API_KEY")
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

	var where exo.Option
	if *url != "" {
		where = exo.WithURL(*url)
	} else {
		sm := local.New()
		defer func() { err = errors.Join(err, sm.Close()) }()
		where = exo.WithStateManager(sm)
	}
	started := time.Now()
	report, err := count(ctx, dir, newProgress(stderr), where, exo.WithLogger(zap.NewNop()))
	if err != nil {
		return err
	}
	return printTable(stdout, stderr, report, time.Since(started))
}

// count runs the workflow, with a runtime of its own for the nodes.
func count(ctx context.Context, dir string, p *progress, options ...exo.Option) (Report, error) {
	// Paths mean something on this machine only, so a namespace of its own
	// keeps other runtimes of the same state manager away from them.
	namespace := "wordcount-" + strings.ToLower(rand.Text())

	runtimeOptions := []exo.RuntimeOption{exo.WithTrace(p.trace())}
	managerOptions := make([]exo.ManagerOption, 0, len(options))
	for _, o := range options {
		runtimeOptions = append(runtimeOptions, o)
		managerOptions = append(managerOptions, o)
	}
	g, reported := graph(dir)
	rt, err := exo.NewRuntime(namespace, "wordcount", g.Nodes(), runtimeOptions...)
	if err != nil {
		return Report{}, err
	}
	failed := make(chan error, 1)
	go func() { failed <- rt.Run(ctx) }()
	defer func() { _ = rt.Shutdown(context.WithoutCancel(ctx)) }()
	select {
	case <-rt.Ready():
	case err := <-failed:
		return Report{}, errors.Join(err, ctx.Err())
	}

	m, err := exo.NewStateManager(namespace, managerOptions...)
	if err != nil {
		return Report{}, err
	}
	if _, err := m.UpsertGraph(ctx, g); err != nil {
		return Report{}, err
	}
	r, err := m.Trigger(ctx, g.Name(), exo.TriggerOptions{})
	if err != nil {
		return Report{}, err
	}
	result, err := r.Wait(ctx)
	p.done()
	if err != nil {
		return Report{}, err
	}
	if err := result.Err(); err != nil {
		return Report{}, err
	}
	reports, err := exo.Outputs(result, reported)
	if err != nil {
		return Report{}, err
	}
	if len(reports) != 1 {
		return Report{}, fmt.Errorf("%d reports of one run", len(reports))
	}
	return reports[0].Report.V, nil
}
