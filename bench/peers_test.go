package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fakePeers is set in the environment of what the tests start.
const fakePeers = "BENCH_FAKE_PEERS"

// answerAsPeers gives every row of the peers that are asked for, without
// measuring anything.
func answerAsPeers(in io.Reader, out io.Writer) {
	type answer struct {
		Values map[string]float64 `json:"values,omitempty"`
		Error  string             `json:"error,omitempty"`
	}
	rows := map[string][]string{
		"asynq": {asynqJobs}, "river": {riverJobs}, "asynq pick-up": {asynqPick50},
		"asynq fast poll": {asynqFast50, asynqFast99}, "river pick-up": {riverPick50, riverPick99},
	}
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var r request
		if err := requests.Decode(&r); err != nil {
			return
		}
		var a answer
		for _, row := range rows[r.Measure] {
			if a.Values == nil {
				a.Values = map[string]float64{}
			}
			a.Values[row] = float64(r.N)
		}
		if a.Values == nil {
			a.Error = fmt.Sprintf("no %d of %q", r.N, r.Measure)
		}
		if err := answers.Encode(a); err != nil {
			return // its reader has gone
		}
	}
}

// fakeProgram is this test's program, which is one that measures peers when a
// test starts it.
func fakeProgram(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

func TestPeers(t *testing.T) {
	t.Parallel()
	p, err := startPeers(t.Context(), fakeProgram(t))
	if err != nil {
		t.Fatal(err)
	}
	values, err := p.ask(request{"asynq fast poll", 7})
	if err != nil || values[asynqFast50] != 7 || values[asynqFast99] != 7 || len(values) != 2 {
		t.Errorf("%v, %v", values, err)
	}
	if _, err := p.ask(request{"something else", 1}); err == nil || !strings.Contains(err.Error(), `no 1 of "something else"`) {
		t.Errorf("what the program says is wrong: %v", err)
	}
	if values, err := p.ask(request{"river", 3}); err != nil || values[riverJobs] != 3 {
		t.Errorf("after an error: %v, %v", values, err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if _, err := p.ask(request{"river", 1}); err == nil {
		t.Error("a program that has ended has answered")
	}
	if _, err := startPeers(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
}

// TestWithoutPeers: what only they have is left out.
func TestWithoutPeers(t *testing.T) {
	t.Parallel()
	none, err := startPeers(t.Context(), "")
	if err != nil || none != nil || none.stop() != nil {
		t.Fatalf("%v, %v", none, err)
	}
	r, err := measureAll(t.Context(), scale{Rounds: 1, States: 10}, "", "", regexp.MustCompile("^engine|^asynq|^river"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Values) != 1 || strings.Contains(r.tables(), "asynq") {
		t.Errorf("%v\n%s", r.Values, r.tables())
	}
}
