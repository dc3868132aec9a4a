package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCallsItself(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"POST /greetings: 200 OK\nHello, World!\n", "GET /exo/ready: 200 OK\n", `"healthy":true`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
}

func TestServesUntilASignal(t *testing.T) {
	t.Parallel()
	ctx, signal := context.WithCancel(t.Context())
	defer signal()
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-addr", "127.0.0.1:0"}, stdout, io.Discard) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(strings.TrimPrefix(line, "serving on "))
	var answers bytes.Buffer
	if err := call(ctx, &answers, http.MethodPost, url+"/greetings?name=x"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answers.String(), "Hello, x!") {
		t.Error(answers.String())
	}
	signal()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// listen gives a listener on a free port, and where it is.
func listen(t *testing.T) (listener net.Listener, url string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener, "http://" + listener.Addr().String()
}

// A call that is under way when the signal comes is answered.
func TestDrain(t *testing.T) {
	t.Parallel()
	ctx, signal := context.WithCancel(t.Context())
	defer signal()
	greeting, goOn := make(chan struct{}), make(chan struct{})
	listener, url := listen(t)
	ended, answered := make(chan error, 1), make(chan error, 1)
	go func() {
		ended <- serve(ctx, listener, func(ctx context.Context, in Name, none exo.None) (Greeting, error) {
			close(greeting)
			<-goOn
			return greet(ctx, in, none)
		})
	}()
	var answer bytes.Buffer
	go func() { answered <- call(t.Context(), &answer, http.MethodPost, url+"/greetings?name=late") }()
	<-greeting
	signal()
	close(goOn)
	if err := errors.Join(<-answered, <-ended); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer.String(), "200 OK\nHello, late!") {
		t.Error(answer.String())
	}
}

// A part that fails ends the others.
func TestPartFails(t *testing.T) {
	t.Parallel()
	listener, _ := listen(t)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := serve(t.Context(), listener, greet); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestFailedRunIsAnError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	listener, url := listen(t)
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, listener, func(context.Context, Name, exo.None) (Greeting, error) {
			return Greeting{}, errors.New("out of words")
		})
	}()
	var answers bytes.Buffer
	err := errors.Join(
		call(ctx, &answers, http.MethodPost, url+"/greetings"),
		call(ctx, &answers, http.MethodGet, url+"/exo/nothing"),
	)
	cancel()
	if err := errors.Join(err, <-ended); err != nil {
		t.Fatal(err)
	}
	if text := answers.String(); !strings.Contains(text, "500 Internal Server Error") || !strings.Contains(text, "out of words") || !strings.Contains(text, "404 Not Found") {
		t.Error(text)
	}
}
