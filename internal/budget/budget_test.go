// Package budget holds what a user's program pays for the SDK, in modules and
// in bytes, within bounds.
package budget

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	_ "github.com/exospherehost/exo-go/exo" // so that go test measures again when it changes
)

const (
	maxModules = 10
	maxBytes   = 10_000_000
)

// TestWorker builds the smallest worker, stripped, for one platform, so that
// the figures are the same everywhere.
func TestWorker(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a program for another platform")
	}
	program := filepath.Join(t.TempDir(), "worker")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "./testdata/worker")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the worker: %v\n%s", err, out)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the smallest worker links %d modules and has %.1f MB", len(info.Deps), float64(stat.Size())/1e6)
	if len(info.Deps) > maxModules {
		t.Errorf("it links %d modules, more than %d:", len(info.Deps), maxModules)
		for _, m := range info.Deps {
			t.Errorf("  %s %s", m.Path, m.Version)
		}
	}
	if stat.Size() > maxBytes {
		t.Errorf("it has %d bytes, more than %d", stat.Size(), maxBytes)
	}
}
