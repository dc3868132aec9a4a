package exo_test

import (
	"context"
	"fmt"

	"github.com/exospherehost/exo-go/exo"
)

// A run can be read while it is under way: where it stands, how far each step has
// come, and what a step has put out so far.
func ExampleRun_Snapshot() {
	printing, dry := make(chan struct{}), make(chan struct{})
	press := exo.Node("Print", func(_ context.Context, in Sentence, _ exo.None) (Sentence, error) {
		close(printing)
		<-dry
		return in, nil
	})
	g := exo.NewGraph("poster")
	words := exo.Add(g, "words", toWords, Sentence{"hello"})
	upper := exo.Add(g, "upper", toUpper, words.Out, exo.After(words))
	exo.Add(g, "print", press, upper.Out, exo.After(upper))
	d := newDemo(g.Nodes())
	defer d.end()
	ctx := context.Background()
	run := d.start(g, exo.TriggerOptions{})
	<-printing

	info, err := run.Status(ctx) // numbers alone, which is cheap
	fmt.Println(info.Status, info.Pending, err)

	progress, err := run.Progress(ctx)
	for _, step := range progress {
		fmt.Printf("%s: %d of %d, %d failed\n", step.Step, step.Done(), step.Total(), step.Failed())
	}
	fmt.Println(err)

	now, err := run.Snapshot(ctx) // the states, too
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(exo.Outputs(now, upper))

	close(dry)
	result, err := run.Wait(ctx)
	fmt.Println(result.Status, err)
	// Output:
	// PENDING 1 <nil>
	// words: 1 of 1, 0 failed
	// upper: 1 of 1, 0 failed
	// print: 0 of 1, 0 failed
	// <nil>
	// [{HELLO}] <nil>
	// SUCCESS <nil>
}

// Where no fan-out comes before a step, it has one output.
func ExampleOutput() {
	g, upper := shoutingGraph("hello")
	result := drive(g, exo.TriggerOptions{})
	fmt.Println(exo.Output(result, upper))
	// Output:
	// {HELLO} <nil>
}
