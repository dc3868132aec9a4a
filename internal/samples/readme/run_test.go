package shouting_test

import (
	"context"
	"fmt"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

// sample:run
func run(ctx context.Context) error {
	g, loud := shouting()
	result, err := local.Run(ctx, g, exo.TriggerOptions{Inputs: exo.Fields(Text{"good morning"})}, local.WithLogger(zap.NewNop()))
	if err != nil {
		return err // also of a run that failed: which states, and why
	}
	words, err := exo.Outputs(result, loud)
	fmt.Println(words)
	return err
}

// end sample

func Example_run() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// [{GOOD!} {MORNING!}]
}
