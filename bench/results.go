package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Rows, each of which has a value in every round. Most are of a world.
const (
	bareTrips         = "bare round trips"
	bareCPU           = "processor time of a bare round trip"
	singleRate        = "single calls: states"
	singleCPU         = "processor time of a state by single calls"
	engineAlone       = "engine alone"
	throughput        = "states"
	throughputDefault = "states, 32 workers"
	allocs            = "allocations a state"
	cpuEach           = "processor time a state"
	chains            = "chains of three"
	fans              = "fan-outs of 100 with a join"
	pickUp50          = "pick-up p50"
	pickUp99          = "pick-up p99"
	idleRSS           = "memory of an idle worker"
)

func row(what string, w *world) string { return what + ", " + w.name }

// results are what a run of this program found.
type results struct {
	Date    string               `json:"date"`
	Machine machine              `json:"machine"`
	Command string               `json:"command"`
	Scale   scale                `json:"scale"`
	Load    []string             `json:"load"` // averages over 1, 5 and 15 minutes, before each round and at the end
	Values  map[string][]float64 `json:"values"`
	Soak    []soakSample         `json:"soak"`
}

type machine struct {
	OS       string `json:"os"`
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	Memory   string `json:"memory"`
	Go       string `json:"go"`
	Revision string `json:"revision"` // of this project
}

// measureAll makes all measurements. peersProgram measures the peers; without a
// name they are left out.
func measureAll(ctx context.Context, s scale, peersProgram, command string, only *regexp.Regexp, progress io.Writer) (r *results, err error) {
	r = &results{
		Date: time.Now().UTC().Format(time.DateOnly), Machine: thisMachine(ctx), Command: command, Scale: s,
		Values: map[string][]float64{},
	}
	key := rand.Text()
	worlds := []*world{inProcess()}
	defer func() {
		for _, w := range worlds {
			err = errors.Join(err, w.close())
		}
	}()
	for _, o := range []struct{ name, role string }{{"over HTTP", "server"}, {"over HTTP, no extensions", "plain-server"}} {
		w, err := overHTTP(ctx, o.name, o.role, key)
		if err != nil {
			return nil, fmt.Errorf("start a state manager: %w", err)
		}
		worlds = append(worlds, w)
	}
	for _, w := range worlds {
		if err := w.prepare(ctx); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", w.name, err)
		}
	}
	others, err := startPeers(ctx, peersProgram)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, others.stop()) }()
	list := measurements(s, worlds[0], worlds[1], worlds[2], others, key)
	for round := range s.Rounds {
		r.Load = append(r.Load, loadAverage())
		for _, m := range list {
			if !only.MatchString(m.name) {
				continue
			}
			fmt.Fprintf(progress, "round %d of %d: %s\n", round+1, s.Rounds, m.name)
			values, err := m.make(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
			for name, v := range values {
				r.Values[name] = append(r.Values[name], v)
			}
		}
	}
	if s.Soak >= soakSamples && only.MatchString("soak") {
		fmt.Fprintf(progress, "%d states in one process\n", s.Soak)
		if r.Soak, err = soakRemotely(ctx, worlds[1], key, s); err != nil {
			return nil, fmt.Errorf("soak: %w", err)
		}
	}
	r.Load = append(r.Load, loadAverage())
	return r, nil
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

func (r *results) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // a file of the project
}

func load(path string) (*results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	r := new(results)
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}

func thisMachine(ctx context.Context) machine {
	m := machine{OS: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version()}
	m.CPU = after("/proc/cpuinfo", "model name")
	m.Memory = after("/proc/meminfo", "MemTotal")
	if revision, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*").Output(); err == nil {
		m.Revision = strings.TrimSpace(string(revision))
	}
	return m
}

// after is what follows a name and a colon in a file of the system.
func after(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
