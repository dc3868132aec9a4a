package shouting_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

// Words are what the join of Example_picture collects.
type Words struct {
	Words exo.Val[[]string] `json:"words"`
}

var errBusy = errors.New("busy")

// The picture of a run in README.md: three branches, one of which needs a second
// attempt, and a join.
func Example_picture() {
	text := exo.Node("Text", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil })
	flaky := exo.Node("Flaky", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
		if in.Text == "brave" && exo.Info(ctx).Attempt == 0 {
			return Text{}, errBusy
		}
		return Text{strings.ToUpper(in.Text) + "!"}, nil
	})
	join := exo.Node("Join", func(_ context.Context, in Words, _ exo.None) (Text, error) {
		return Text{strings.Join(in.Words.V, " ")}, nil
	})
	g := exo.NewGraph("shouting").Retry(exo.RetryPolicy{MaxRetries: 1, Strategy: exo.Fixed, Backoff: time.Millisecond})
	first := exo.Add(g, "text", text, Text{"hello brave world"})
	words := exo.Add(g, "words", split, first.Out, exo.After(first))
	loud := exo.Add(g, "loud", flaky, words.Out, exo.After(words))
	exo.Add(g, "line", join, Words{exo.CollectStrings(loud.Out.Text)}, exo.After(loud), exo.Unites(first, exo.AllSuccess))

	picture, err := draw(context.Background(), g)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(picture)
	// Output:
	// flowchart TD
	//     n0["text<br/>SUCCESS"]
	//     n1["words<br/>SUCCESS"]
	//     n2["words<br/>SUCCESS"]
	//     n3["words<br/>SUCCESS"]
	//     n4["loud<br/>SUCCESS"]
	//     n5["loud<br/>RETRY_CREATED"]
	//     n6["loud<br/>SUCCESS"]
	//     n7["loud<br/>SUCCESS"]
	//     n8["line<br/>SUCCESS"]
	//     n0 --> n1
	//     n0 --> n2
	//     n0 --> n3
	//     n1 --> n4
	//     n2 --> n5
	//     n3 --> n6
	//     n2 --> n7
	//     n0 --> n8
	//     style n0 fill:#c8e6c9,color:#000
	//     style n1 fill:#c8e6c9,color:#000
	//     style n2 fill:#c8e6c9,color:#000
	//     style n3 fill:#c8e6c9,color:#000
	//     style n4 fill:#c8e6c9,color:#000
	//     style n5 fill:#ffe0b2,color:#000
	//     style n6 fill:#c8e6c9,color:#000
	//     style n7 fill:#c8e6c9,color:#000
	//     style n8 fill:#c8e6c9,color:#000
}

// draw runs a graph with one worker, so that its states come in the same order
// each time, and draws the run.
func draw(ctx context.Context, g *exo.Graph) (string, error) {
	in, err := local.Start(ctx, "demo", local.WithGraphs(g), local.WithRuntime(exo.WithWorkers(1)), local.WithLogger(zap.NewNop()))
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close(ctx) }()
	run, err := in.Trigger(ctx, g.Name(), exo.TriggerOptions{})
	if err != nil {
		return "", err
	}
	if _, err := run.Wait(ctx); err != nil {
		return "", err
	}
	states, err := run.Graph(ctx)
	if err != nil {
		return "", err
	}
	return states.Mermaid(), nil
}
