// Command embedded is an HTTP service with workflows in it: a call triggers a
// run, the workers that execute it are part of the same process, and probes see
// both.
//
//	go run ./examples/embedded -addr 127.0.0.1:8080
//	curl -X POST '127.0.0.1:8080/greetings?name=World'
//	curl 127.0.0.1:8080/exo/ready
//
// Without -addr it makes these two calls itself, and ends. A signal stops it when
// the calls in flight are completed; a second one, at once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/exospherehost/exo-go/exo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on signals do again what they always do
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "embedded:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("embedded", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "", "`HOST:PORT` to serve on until a signal comes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	at := *addr
	if at == "" {
		at = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", at)
	if err != nil {
		return err
	}
	url := "http://" + listener.Addr().String()

	if *addr != "" {
		if _, err := fmt.Fprintln(stdout, "serving on", url); err != nil {
			return errors.Join(err, listener.Close())
		}
		return serve(ctx, listener, greet)
	}
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, greet) }()
	called := errors.Join(
		call(ctx, stdout, http.MethodPost, url+"/greetings?name=World"),
		call(ctx, stdout, http.MethodGet, url+"/exo/ready"),
	)
	cancel()
	return errors.Join(called, <-served)
}

// call makes a call and prints its response.
func call(ctx context.Context, stdout io.Writer, method, url string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s %s: %s\n%s", method, req.URL.Path, answer.Status, text)
	return err
}

type (
	// Name is who to greet.
	Name struct {
		Name string `json:"name"`
	}
	// Greeting is the outcome.
	Greeting struct {
		Text string `json:"text"`
	}
)

func greet(_ context.Context, in Name, _ exo.None) (Greeting, error) {
	return Greeting{Text: "Hello, " + in.Name + "!"}, nil
}
