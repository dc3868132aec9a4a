// Command worker is what the budget is measured on: a worker of one node that
// speaks to a state manager over HTTP, and nothing more. It takes the state
// manager's address and key from the environment.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/exospherehost/exo-go/exo"
)

type text struct {
	Text string `json:"text"`
}

func upper(_ context.Context, in text, _ exo.None) (text, error) {
	return text{Text: strings.ToUpper(in.Text)}, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := exo.Serve(ctx, "default", "upper", exo.Nodes(exo.Node("Upper", upper)))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}
