// Command remote is a workflow across two programs: the second step's node is
// served by a worker of another process, in another namespace, over HTTP. It
// could as well be on another machine and in another language.
//
//	go run ./examples/remote
//
// The program starts itself again as that worker, which ends with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/exospherehost/exo-go/exo"
)

// roleVariable says, in the environment, which of the two a process is.
const roleVariable = "EXAMPLE_ROLE"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if os.Getenv(roleVariable) == "worker" {
		err = work(ctx, os.Stdin, os.Stdout)
	} else {
		err = run(ctx, os.Stdout, os.Stderr)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "remote:", err)
		os.Exit(1)
	}
}

const (
	namespace        = "shop"    // of the graph, and of the nodes of this program
	translators      = "words"   // of the nodes of the worker
	translateName    = "Shout"   // what the worker's node is called
	readyLine        = "ready\n" // what the worker says when its node is registered
	readyLineMaximum = 64        // bytes
)

type (
	// Text is what goes from step to step.
	Text struct {
		Text string `json:"text"`
	}
	// Signed is a text and the process that has written it.
	Signed struct {
		Text    string       `json:"text"`
		Process exo.Val[int] `json:"process"`
	}
)

// shout is a node of the other program. This one knows its name and its types,
// so that the compiler checks the wiring; the state manager checks them against
// what the worker has registered.
var shout = exo.Remote[Text, Signed](translators, translateName)

var (
	greet = exo.Node("Greet", func(_ context.Context, in Text, _ exo.None) (Text, error) {
		return Text{Text: "hello " + in.Text}, nil
	})
	compare = exo.Node("Compare", func(_ context.Context, in Signed, _ exo.None) (Text, error) {
		if in.Process.V == os.Getpid() {
			return Text{}, exo.Permanent(fmt.Errorf("process %d got its own result back", in.Process.V))
		}
		return Text{Text: in.Text + ", says another process"}, nil
	})
)

// graph is drawn like this:
//
//	greet → shout (elsewhere) → compare
func graph() (*exo.Graph, *exo.Step[Text]) {
	g := exo.NewGraph("remote")
	greeted := exo.Add(g, "greet", greet, Text{Text: "world"})
	shouted := exo.Add(g, "shout", shout, greeted.Out, exo.After(greeted))
	compared := exo.Add(g, "compare", compare, shouted.Out, exo.After(shouted))
	return g, compared
}

// run is the first program: state manager, runtime of the nodes of the shop, and
// client.
func run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	g, compared := graph()
	server, err := startServer(ctx, g.Nodes())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close(context.WithoutCancel(ctx))) }()
	other, err := startWorker(ctx, server, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.close()) }()

	said, err := once(ctx, server, g, compared)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, said.Text)
	return err
}
