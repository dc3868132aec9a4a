package shouting_test

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/exospherehost/exo-go/exo"
)

// sample:main
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := exo.Serve(ctx, "demo", "shouter", exo.Nodes(split, shout)); err != nil {
		log.Print(err)
	}
}

// end sample

var _ = main // it is shown, and compiled
