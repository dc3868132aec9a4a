package main

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An hour of waiting, in virtual time.
func TestPolling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"-takes", "1h", "-every", "10m"}, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		if want := "picture of a bee after 7 looks, 0 retries\n"; out.String() != want {
			t.Errorf("%q, want %q", &out, want)
		}
	})
}

func TestUnknownJob(t *testing.T) {
	t.Parallel()
	f := new(farm)
	for _, id := range []string{"", "job-0", "job-1", "x"} {
		if _, err := f.done(id); err == nil {
			t.Errorf("the farm knows %q", id)
		}
	}
}
