package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Markers of the part of the page that is made from results.
const (
	beginMark = "<!-- made by go run ./bench -page: begin -->\n"
	endMark   = "<!-- made by go run ./bench -page: end -->"
)

// writePage replaces the part of a page between the markers.
func writePage(resultsFile, page string) error {
	r, err := load(resultsFile)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	changed, err := replaceTables(string(text), r.tables())
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(changed), 0o644) //nolint:gosec // a page of the project
}

func replaceTables(page, tables string) (string, error) {
	before, rest, ok := strings.Cut(page, beginMark)
	_, after, ended := strings.Cut(rest, endMark)
	if !ok || !ended {
		return "", errors.New("the markers of the tables are missing")
	}
	return before + beginMark + "\n" + tables + "\n" + endMark + after, nil
}

// A line of the table: a row of the results, or a ratio of two.
type tableLine struct {
	title, row, over string // over: the row to divide by, within each round
	unit             string
	digits           int
	goal             float64 // 0: none
	atMost           bool    // what kind of goal
}

const (
	inProc    = ", in process"
	overWire  = ", over HTTP"
	overPlain = ", over HTTP, no extensions"
	perSec    = "/s"
)

var table = []tableLine{
	{title: "Bare HTTP round trips, 64 goroutines", row: bareTrips, unit: perSec},
	{title: "— processor time of one, both processes", row: bareCPU, unit: " µs", digits: 1},
	{title: "Engine alone, one goroutine: states", row: engineAlone, unit: perSec},
	{title: "In process: states", row: throughput + inProc, unit: perSec, goal: 200_000},
	{title: "— processor time a state", row: cpuEach + inProc, unit: " µs", digits: 1},
	{title: "— with 32 workers, the default", row: throughputDefault + inProc, unit: perSec},
	{title: "— chains of three: runs", row: chains + inProc, unit: perSec},
	{title: "— fan-outs of 100 with a join: runs", row: fans + inProc, unit: perSec},
	{title: "— idle pick-up, p50", row: pickUp50 + inProc, unit: " ms", digits: 3, goal: 0.1, atMost: true},
	{title: "— idle pick-up, p99", row: pickUp99 + inProc, unit: " ms", digits: 3, goal: 0.5, atMost: true},
	{title: "— allocations a state, the engine's included", row: allocs + inProc, digits: 1},
	{title: "Over HTTP: states", row: throughput + overWire, unit: perSec},
	{title: "— for each bare round trip", row: throughput + overWire, over: bareTrips, unit: "×", digits: 2, goal: 3},
	{title: "— processor time a state, both processes", row: cpuEach + overWire, unit: " µs", digits: 1},
	{title: "— that for each bare round trip's", row: cpuEach + overWire, over: bareCPU, unit: "×", digits: 2},
	{title: "— for each job of asynq", row: throughput + overWire, over: asynqJobs, unit: "×", digits: 1, goal: 5},
	{title: "— for each job of River", row: throughput + overWire, over: riverJobs, unit: "×", digits: 1},
	{title: "— with 32 workers, the default", row: throughputDefault + overWire, unit: perSec},
	{title: "— chains of three: runs", row: chains + overWire, unit: perSec, goal: 10_000},
	{title: "— fan-outs of 100 with a join: runs", row: fans + overWire, unit: perSec, goal: 500},
	{title: "— idle pick-up, p50", row: pickUp50 + overWire, unit: " ms", digits: 2, goal: 1, atMost: true},
	{title: "— idle pick-up, p99", row: pickUp99 + overWire, unit: " ms", digits: 2, goal: 3, atMost: true},
	{title: "— allocations a state, the worker's", row: allocs + overWire, digits: 1, goal: 40, atMost: true},
	{title: "— memory of an idle worker", row: idleRSS, unit: " MiB", digits: 1, goal: 12, atMost: true},
	{title: "Single calls of an HTTP client alone: states", row: singleRate, unit: perSec},
	{title: "— processor time a state, both processes", row: singleCPU, unit: " µs", digits: 1},
	{title: "Over HTTP, no extensions: states", row: throughput + overPlain, unit: perSec},
	{title: "— for each of single calls alone", row: throughput + overPlain, over: singleRate, unit: "×", digits: 2, goal: 0.9},
	{title: "— processor time a state, both processes", row: cpuEach + overPlain, unit: " µs", digits: 1},
	{title: "— that for each of single calls alone", row: cpuEach + overPlain, over: singleCPU, unit: "×", digits: 2},
	{title: "— chains of three: runs", row: chains + overPlain, unit: perSec},
	{title: "— fan-outs of 100 with a join: runs", row: fans + overPlain, unit: perSec},
	{title: "— idle pick-up at a poll interval of 1 s, p50", row: pickUp50 + overPlain, unit: " ms"},
	{title: "— allocations a state, the worker's", row: allocs + overPlain, digits: 1},
	{title: "asynq on Redis: jobs", row: asynqJobs, unit: perSec},
	{title: "— idle pick-up, p50", row: asynqPick50, unit: " ms"},
	{title: "— idle pick-up if it looks every millisecond, p50", row: asynqFast50, unit: " ms", digits: 2},
	{title: "— the same, p99", row: asynqFast99, unit: " ms", digits: 2},
	{title: "River on PostgreSQL, as its benchmark sets it: jobs", row: riverJobs, unit: perSec},
	{title: "— idle pick-up, p50", row: riverPick50, unit: " ms", digits: 2},
	{title: "— idle pick-up, p99", row: riverPick99, unit: " ms", digits: 2},
}

// tables are the results in Markdown.
func (r *results) tables() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %d cores, %s, %s, revision %s. Measured on %s by\n\n", r.Machine.OS, r.Machine.CPU, r.Machine.Cores,
		r.Machine.Memory, r.Machine.Go, orUnknown(r.Machine.Revision), r.Date)
	fmt.Fprintf(&b, "```sh\n%s\n```\n\n", r.Command)
	fmt.Fprintf(&b, "with %d workers unless stated otherwise. Load averages before each round and at the end: %s.\n\n",
		r.Scale.Workers, strings.Join(r.Load, "; "))
	fmt.Fprintf(&b, "| | median of %d | lowest | highest | goal | |\n|---|---:|---:|---:|---:|---|\n", r.Scale.Rounds)
	for _, l := range table {
		if values := l.values(r.Values); len(values) > 0 {
			b.WriteString(l.format(values))
		}
	}
	if len(r.Soak) > 0 {
		b.WriteString("\nOne worker process over HTTP, as it executes more and more states:\n\n")
		b.WriteString("| states | goroutines | resident | heap in use |\n|---:|---:|---:|---:|\n")
		for _, s := range r.Soak {
			fmt.Fprintf(&b, "| %s | %d | %.1f MiB | %.1f MiB |\n", grouped(float64(s.States)), s.Goroutines, s.RSS, s.Heap)
		}
	}
	return b.String()
}

// values are those of the line's row, or their ratios round by round.
func (l tableLine) values(of map[string][]float64) []float64 {
	values := of[l.row]
	if l.over == "" {
		return values
	}
	var ratios []float64
	for i, v := range values {
		if over := of[l.over]; i < len(over) && over[i] > 0 {
			ratios = append(ratios, v/over[i])
		}
	}
	return ratios
}

func (l tableLine) format(values []float64) string {
	lowest, highest := values[0], values[0]
	for _, v := range values {
		lowest, highest = min(lowest, v), max(highest, v)
	}
	goal, met := "", ""
	if l.goal > 0 {
		sign, ok := "≥ ", median(values) >= l.goal
		if l.atMost {
			sign, ok = "≤ ", median(values) <= l.goal
		}
		goal, met = sign+strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.1f", l.goal), "0"), ".")+l.unit, "missed"
		if l.digits == 0 {
			goal = sign + grouped(l.goal) + l.unit
		}
		if ok {
			met = "met"
		}
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", l.title, l.number(median(values)), l.number(lowest), l.number(highest), goal, met)
}

func (l tableLine) number(v float64) string {
	if l.digits == 0 {
		return grouped(v) + l.unit
	}
	return fmt.Sprintf("%.*f", l.digits, v) + l.unit
}

// grouped is a whole number with a space between thousands.
func grouped(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
