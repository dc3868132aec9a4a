package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/exospherehost/exo-go/exo"
	"go.uber.org/zap"
)

// work is the second program: a worker and nothing else. Where the state manager
// is, and the key to it, stand in its environment. It ends when its standard
// input does, as it does when the first program ends, in whichever way.
func work(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()

	node := exo.Node(translateName, func(_ context.Context, in Text, _ exo.None) (Signed, error) {
		return Signed{Text: strings.ToUpper(in.Text), Process: exo.Of(os.Getpid())}, nil
	})
	rt, err := exo.NewRuntime(translators, "translator", exo.Nodes(node), exo.WithLogger(zap.NewNop()))
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- rt.Run(ctx) }()
	select {
	case <-rt.Ready():
	case err := <-served:
		return err
	}
	if _, err := io.WriteString(stdout, readyLine); err != nil {
		cancel()
		return errors.Join(err, <-served)
	}
	return <-served
}

// A worker is the second program, as the first one has it.
type worker struct {
	command *exec.Cmd
	stdin   io.Closer
}

// startWorker starts this program again, and returns when the worker's node is
// registered: before that, the state manager would refuse the graph.
func startWorker(ctx context.Context, s *server, stderr io.Writer) (*worker, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &worker{command: exec.CommandContext(ctx, program)} //nolint:gosec // it is this one
	w.command.Env = append(os.Environ(), roleVariable+"=worker",
		"EXOSPHERE_STATE_MANAGER_URI="+s.url, "EXOSPHERE_API_KEY="+s.key)
	w.command.Stderr = stderr
	stdin, err := w.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	w.stdin = stdin
	stdout, err := w.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.command.Start(); err != nil {
		return nil, err
	}
	said, err := bufio.NewReader(io.LimitReader(stdout, readyLineMaximum)).ReadString('\n')
	if said != readyLine {
		return nil, errors.Join(fmt.Errorf("the worker did not start: %w", err), w.close())
	}
	return w, nil
}

// close ends the worker and waits for it.
func (w *worker) close() error { return errors.Join(w.stdin.Close(), w.command.Wait()) }
