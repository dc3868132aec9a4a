package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRightKey(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if want := "The weather in Oslo: rain\nThe key that was used: [REDACTED]\n"; out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
}

// The API's refusal repeats the key, and the run's error does not.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"-wrong"}, &out, io.Discard)
	if err == nil || !strings.Contains(err.Error(), `401 Unauthorized: "Bearer [REDACTED]" is not a valid key`) {
		t.Error(err)
	}
	if out.Len() > 0 {
		t.Error(out.String())
	}
}
