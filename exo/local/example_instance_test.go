package local_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

type Sentence struct {
	Text string `json:"text"`
}

var shout = exo.Node("Shout", func(_ context.Context, in Sentence, _ exo.None) (Sentence, error) {
	return Sentence{strings.ToUpper(in.Text)}, nil
})

func shouting() (*exo.Graph, *exo.Step[Sentence]) {
	g := exo.NewGraph("shouting")
	return g, exo.Add(g, "shout", shout, Sentence{"nothing yet"})
}

// A graph, once: nothing is there before, and nothing is left.
func ExampleRun() {
	g, loud := shouting()
	result, err := local.Run(context.Background(), g, exo.TriggerOptions{Inputs: exo.Fields(Sentence{"hello"})},
		local.WithLogger(zap.NewNop()))
	if err != nil {
		fmt.Println(err) // of a run that failed, too: which states, and why
		return
	}
	fmt.Println(exo.Output(result, loud))
	// Output:
	// {HELLO} <nil>
}

// Workflows in a program that lives on.
func ExampleStart() {
	ctx := context.Background()
	g, loud := shouting()
	in, err := local.Start(ctx, "demo",
		local.WithGraphs(g),
		local.WithRuntime(exo.WithWorkers(4)),
		local.WithKeepRuns(1000),
		local.WithLogger(zap.NewNop()),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, text := range []string{"hello", "world"} {
		run, err := in.Trigger(ctx, "shouting", exo.TriggerOptions{Inputs: exo.Fields(Sentence{text})})
		if err != nil {
			fmt.Println(err)
			return
		}
		result, err := run.Wait(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(exo.Output(result, loud))
	}
	fmt.Println(in.Runtime().Stats().Registered)
	fmt.Println(in.Server().Namespaces(ctx))
	fmt.Println(in.Close(ctx))
	// Output:
	// {HELLO} <nil>
	// {WORLD} <nil>
	// true
	// [demo] <nil>
	// <nil>
}

// Close waits for runs if it is told to. Without DrainRuns it would wait for nodes
// that execute, and say that a run was not finished.
func ExampleDrainRuns() {
	ctx := context.Background()
	sent := exo.Node("Send", func(_ context.Context, in Sentence, _ exo.None) (exo.None, error) {
		fmt.Println("sent:", in.Text)
		return exo.None{}, nil
	})
	g, loud := shouting()
	exo.Add(g, "send", sent, loud.Out, exo.After(loud))

	in, err := local.Start(ctx, "demo", local.WithNodes(sent, shout), local.DrainRuns(), local.WithLogger(zap.NewNop()))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := in.UpsertGraph(ctx, g); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := in.Trigger(ctx, "shouting", exo.TriggerOptions{Inputs: exo.Fields(Sentence{"hello"})}); err != nil {
		fmt.Println(err)
		return
	}

	closing, cancel := context.WithTimeout(ctx, time.Hour) // runs may take so long
	defer cancel()
	fmt.Println(in.Close(closing))

	_, err = in.Trigger(ctx, "shouting", exo.TriggerOptions{})
	fmt.Println(errors.Is(err, local.ErrClosed))
	// Output:
	// sent: HELLO
	// <nil>
	// true
}
