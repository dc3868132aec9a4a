package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// In the tests the processes that are started are this one, too.
func TestMain(m *testing.M) {
	switch {
	case slices.Contains(os.Args, "-role"):
		main()
		return
	case os.Getenv(fakePeers) != "":
		answerAsPeers(os.Stdin, os.Stdout)
		return
	}
	_ = os.Setenv(fakePeers, "for programs that the tests start") // else they would be tests again
	goleak.VerifyTestMain(m)
}

const (
	page     = "../docs/performance.md"
	measured = "results/linux-amd64-2-cores.json"
)

// TestPage: the page shows the results that are kept.
func TestPage(t *testing.T) {
	t.Parallel()
	r, err := load(measured)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want, err := replaceTables(string(text), r.tables())
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != want {
		t.Errorf("%s does not show %s: go run ./bench -page bench/%s", page, measured, measured)
	}
	for _, l := range table {
		values := l.values(r.Values)
		if len(values) != r.Scale.Rounds {
			t.Errorf("%q has %d values, want one for each of %d rounds", l.title, len(values), r.Scale.Rounds)
		}
	}
}

func TestReplaceTables(t *testing.T) {
	t.Parallel()
	got, err := replaceTables("before\n"+beginMark+"old\n"+endMark+"\nafter\n", "new\n")
	if want := "before\n" + beginMark + "\nnew\n\n" + endMark + "\nafter\n"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for _, page := range []string{"", beginMark, endMark, endMark + "\n" + beginMark} {
		if _, err := replaceTables(page, "new"); err == nil {
			t.Errorf("no error for the page %q", page)
		}
	}
}

func TestTableLine(t *testing.T) {
	t.Parallel()
	values := map[string][]float64{"a": {1_234_567, 300, 2_000_000}, "b": {2, 3, 4}}
	for _, c := range []struct {
		line tableLine
		want string
	}{
		{
			tableLine{title: "T", row: "a", unit: "/s", goal: 1_000_000},
			"| T | 1 234 567/s | 300/s | 2 000 000/s | ≥ 1 000 000/s | met |\n",
		},
		{
			tableLine{title: "T", row: "b", unit: " ms", digits: 2, goal: 2.5, atMost: true},
			"| T | 3.00 ms | 2.00 ms | 4.00 ms | ≤ 2.5 ms | missed |\n",
		},
		{
			tableLine{title: "T", row: "a", over: "b", unit: "×", digits: 1, goal: 10},
			"| T | 500000.0× | 100.0× | 617283.5× | ≥ 10× | met |\n",
		},
		{tableLine{title: "T", row: "b", digits: 0}, "| T | 3 | 2 | 4 |  |  |\n"},
	} {
		if got := c.line.format(c.line.values(values)); got != c.want {
			t.Errorf("got  %swant %s", got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("the median of %v is %v, want %v", c.values, got, c.want)
		}
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":      "go run ./bench",
		"-full": "go run ./bench -full",
		"-full -out some/file --out=other -rounds=2 -profile p":   "go run ./bench -full -rounds=2",
		"-peers /tmp/some/program -full -only x --peers=/another": "bench/peers/run -full -only x",
	} {
		if got := commandOf(strings.Fields(args)); got != want {
			t.Errorf("%q is shown as %q, want %q", args, got, want)
		}
	}
}

// TestMeasures: every measurement can be made, and gives every row.
func TestMeasures(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	s := scale{Rounds: 1, States: 300, Chains: 50, Fans: 3, Jobs: 10, PickUps: 100, Polls: 1, Soak: 100, Workers: 16}
	r, err := measureAll(t.Context(), s, fakeProgram(t), "go run ./bench", regexp.MustCompile(""), new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range table {
		values := l.values(r.Values)
		if len(values) != s.Rounds && l.over != bareCPU && l.over != singleCPU { // may be too little to measure
			t.Errorf("%q has %d values, want %d", l.title, len(values), s.Rounds)
		}
		for _, v := range values {
			if v <= 0 && !strings.HasPrefix(l.row, cpuEach) && l.row != bareCPU && l.row != singleCPU && l.row != idleRSS { // which not every system tells so finely
				t.Errorf("%q is %v", l.title, v)
			}
		}
	}
	if len(r.Soak) != soakSamples || r.Soak[soakSamples-1].States != s.Soak {
		t.Errorf("the long run: %+v", r.Soak)
	}
	file := filepath.Join(t.TempDir(), "results.json")
	if err := r.save(file); err != nil {
		t.Fatal(err)
	}
	again, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	if again.tables() != r.tables() {
		t.Error("saved results make another table")
	}
}

// TestServerEndsWithItsParent: nothing is left behind by a process that was
// killed.
func TestServerEndsWithItsParent(t *testing.T) {
	t.Parallel()
	p, err := start(t.Context(), []string{keyVariable + "=key"}, "-role", "server")
	if err != nil {
		t.Fatal(err)
	}
	if line, err := p.line(); err != nil || !strings.HasPrefix(line, "http://127.0.0.1:") {
		t.Fatalf("%q, %v", line, err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}
