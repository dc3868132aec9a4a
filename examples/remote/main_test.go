package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" { // the test has started itself again
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if err := run(t.Context(), &out, &errs); err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	if want := "HELLO WORLD, says another process\n"; out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
}

// A worker that is turned away says why.
func TestWorkerDoesNotStart(t *testing.T) {
	t.Parallel()
	g, _ := graph()
	s, err := startServer(t.Context(), g.Nodes())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	var errs bytes.Buffer
	w, err := startWorker(t.Context(), &server{url: s.url, key: "another"}, &errs)
	if err == nil {
		t.Fatal("it starts", w.close())
	}
	if !strings.Contains(errs.String(), "Invalid API key") {
		t.Errorf("%v\n%s", err, &errs)
	}
}

// Without its address, there is no worker.
func TestWorkerWithoutStateManager(t *testing.T) {
	t.Setenv("EXOSPHERE_STATE_MANAGER_URI", "")
	if err := work(t.Context(), strings.NewReader(""), io.Discard); err == nil {
		t.Error("no error")
	}
}
