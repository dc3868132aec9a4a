package exo_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

// A Sentence is what the nodes of the examples take and give.
type Sentence struct {
	Text string `json:"text"`
}

var (
	toWords = exo.FanOut("Words", func(_ context.Context, in Sentence, _ exo.None) ([]Sentence, error) {
		var words []Sentence
		for word := range strings.FieldsSeq(in.Text) {
			words = append(words, Sentence{word})
		}
		return words, nil
	})
	toUpper = exo.Node("Upper", func(_ context.Context, in Sentence, _ exo.None) (Sentence, error) {
		return Sentence{strings.ToUpper(in.Text)}, nil
	})
)

// Everything in one process: two nodes, a graph of two steps, a state manager, a
// runtime, and a client that triggers the graph and reads what came of it.
func Example() {
	g := exo.NewGraph("shouting")
	words := exo.Add(g, "words", toWords, Sentence{"nothing yet"})
	upper := exo.Add(g, "upper", toUpper, Sentence{words.Out.Text + "!"}, exo.After(words))

	sm := local.New()
	defer func() { _ = sm.Close() }()
	where := exo.WithStateManager(sm) // or exo.WithURL("http://…"), exo.WithAPIKey("…")
	quiet := exo.WithLogger(zap.NewNop())

	rt, err := exo.NewRuntime("demo", "worker-1", g.Nodes(), where, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	ended := make(chan error, 1)
	go func() { ended <- rt.Run(ctx) }()
	<-rt.Ready() // the nodes are registered, and graphs can be validated

	m, err := exo.NewStateManager("demo", where, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := m.UpsertGraph(ctx, g); err != nil {
		fmt.Println(err)
		return
	}
	run, err := m.Trigger(ctx, "shouting", exo.TriggerOptions{Inputs: exo.Fields(Sentence{"hello world"})})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := run.Wait(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	loud, err := exo.Outputs(result, upper)
	fmt.Println(result.Status, loud, err)

	fmt.Println(rt.Shutdown(ctx), <-ended)
	// Output:
	// SUCCESS [{HELLO!} {WORLD!}] <nil>
	// <nil> <nil>
}
