// Command peers measures other Go libraries that execute work from a queue, so
// that bench can show this project beside them. It is a module of its own: its
// dependencies belong to it alone.
//
// It reads requests from its standard input, a line of JSON each, and writes
// each with one; it ends when its input does. PEERS_REDIS and PEERS_POSTGRES
// say where the servers are. bench/peers/run starts them, and bench, which
// starts this.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := serve(ctx, os.Stdin, os.Stdout, map[string]measurement{
		"asynq":           asynqJobs,
		"asynq pick-up":   asynqPickUp,
		"asynq fast poll": asynqFastPickUp,
		"river":           riverJobs,
		"river pick-up":   riverPickUp,
	})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// A measurement executes n jobs, and gives values by the names of rows.
type measurement func(ctx context.Context, n int) (map[string]float64, error)

type request struct {
	Measure string `json:"measure"`
	N       int    `json:"n"`
}

type answer struct {
	Values map[string]float64 `json:"values,omitempty"`
	Error  string             `json:"error,omitempty"`
}

func serve(ctx context.Context, in io.Reader, out io.Writer, measurements map[string]measurement) error {
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var r request
		switch err := requests.Decode(&r); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a request: %w", err)
		}
		if err := answers.Encode(answerTo(ctx, r, measurements)); err != nil {
			return err
		}
	}
}

func answerTo(ctx context.Context, r request, measurements map[string]measurement) answer {
	m := measurements[r.Measure]
	if m == nil {
		return answer{Error: fmt.Sprintf("there is no measurement %q", r.Measure)}
	}
	if r.N < 1 {
		return answer{Error: fmt.Sprintf("%s: want at least one job, not %d", r.Measure, r.N)}
	}
	values, err := m(ctx, r.N)
	if err != nil {
		return answer{Error: fmt.Sprintf("%s: %v", r.Measure, err)}
	}
	return answer{Values: values}
}

// address is that of a server, as the environment has it.
func address(variable string) (string, error) {
	a := os.Getenv(variable)
	if a == "" {
		return "", fmt.Errorf("%s is not set: use bench/peers/run", variable)
	}
	return a, nil
}
