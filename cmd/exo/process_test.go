//go:build unix

package main

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startProcess starts exo serve as a process of its own.
func startProcess(t *testing.T) (*serving, *exec.Cmd) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "serve", "--addr", "127.0.0.1:0")
	cmd.Env = []string{"EXO_TEST_COMMAND=1"}
	s := &serving{stderr: newSafeBuffer()}
	cmd.Stderr = s.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // has ended already, if all went well
		_ = cmd.Wait()
	})
	s.read(t, out)
	return s, cmd
}

// SIGTERM ends a process that serves: a claim that waits is answered, and the
// exit code is 0.
func TestSIGTERM(t *testing.T) {
	t.Parallel()
	s, cmd := startProcess(t)
	begun := time.Now()
	polled := startPoll(t, s)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-polled; !strings.HasPrefix(got, `{"count":0,`) {
		t.Errorf("answered %s", got)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, s.stderr)
	}
	if took := time.Since(begun); took >= 30*time.Second {
		t.Errorf("took %v: the claim waited to its end", took)
	}
	if log := s.stderr.String(); !strings.Contains(log, "draining") || !strings.Contains(log, "stopped") {
		t.Errorf("log: %s", log)
	}
}

// A second signal ends a process that still waits for a slow call.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	s, cmd := startProcess(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.uri, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// The server asks for the body, which never comes.
	_, err = io.WriteString(conn, "PUT /v0/namespace/etl/nodes/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.stderr.await("draining")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v: %s", err, s.stderr)
	}
}
