package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every page is read once, however many read.
func TestReaders(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                     "210 words on 20 pages\n",
		"-readers 1":           "210 words on 20 pages\n",
		"-readers 50":          "210 words on 20 pages\n",
		"-readers 3 -from 18":  "39 words on 2 pages\n",
		"-readers 3 -from 100": "0 words on 0 pages\n",
	} {
		var out bytes.Buffer
		if err := run(t.Context(), strings.Fields(args), &out, io.Discard); err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		if out.String() != want {
			t.Errorf("%s: %q, want %q", args, &out, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-readers 0": "there must be one at least",
		"-reader 1":  "not defined",
	} {
		if err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
