package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

// Processes that this program starts are itself in a role. They read the key and
// the state manager's URL from the environment, and end when their standard
// input does: with this process, however it ends.
const (
	urlVariable = "EXOSPHERE_STATE_MANAGER_URI"
	keyVariable = "EXOSPHERE_API_KEY"
)

func runRole(ctx context.Context, role string, s scale, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	switch role {
	case "server":
		return serve(ctx, stdout)
	case "plain-server":
		return serve(ctx, stdout, local.WithoutExtensions())
	case "idle":
		return idle(ctx, stdout)
	case "soak":
		return soak(ctx, s, stdout)
	}
	return fmt.Errorf("no such role: %q", role)
}

// A process is a child, which ends when its standard input does.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// start starts this program in a role.
func start(ctx context.Context, env []string, args ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return startProgram(ctx, program, env, args...)
}

func startProgram(ctx context.Context, program string, env []string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // itself, or what the user names
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}, nil
}

// line is the next that the process prints.
func (p *process) line() (string, error) {
	if !p.lines.Scan() {
		return "", errors.Join(errors.New("the process has ended"), p.lines.Err())
	}
	return p.lines.Text(), nil
}

// stop ends the process and waits for it.
func (p *process) stop() error {
	return errors.Join(p.stdin.Close(), p.cmd.Wait())
}

// Finished runs that state managers keep: fewer than are made in a round, and more
// than workers can bring out of order.
const keepRuns = 2000

// namespace of everything here.
const namespace = "bench"

// serve is a state manager with two more endpoints: one that triggers many runs
// at once, and one that only reads a body and responds.
func serve(ctx context.Context, stdout io.Writer, opts ...local.Option) error {
	sm := local.New(append(opts, local.WithKeepRuns(keepRuns))...)
	defer func() { _ = sm.Close() }()
	mux := http.NewServeMux()
	mux.Handle("/", sm.Handler(os.Getenv(keyVariable)))
	mux.HandleFunc("POST /bench/runs", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.FormValue("n"))
		if err == nil {
			err = triggerMany(r.Context(), sm, r.FormValue("graph"), n)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("POST /bench/bare/{id}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, bareAnswer)
	})
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(stdout, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

func triggerMany(ctx context.Context, sm *local.Server, graph string, n int) error {
	way := sm.Namespace(namespace)
	for range n {
		if _, err := way.Trigger(ctx, graph, transport.TriggerSpec{}); err != nil {
			return err
		}
	}
	return nil
}

// cpuTime is the processor time that processes have used so far, in seconds, or 0
// where the system does not say.
func cpuTime(pids ...int) float64 {
	const ticksPerSecond = 100 // of Linux, on all that Go runs on
	var ticks float64
	for _, pid := range pids {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			return 0
		}
		// The name, in parentheses, may hold anything; user and system time are
		// the 12th and 13th fields after it.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 13 {
			return 0
		}
		for _, f := range fields[11:13] {
			n, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return 0
			}
			ticks += n
		}
	}
	return ticks / ticksPerSecond
}

// resident is the memory of this process that is in RAM, in MiB, or 0 where the
// system does not say.
func resident() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			if err != nil {
				return 0
			}
			return kib / 1024
		}
	}
	return 0
}
