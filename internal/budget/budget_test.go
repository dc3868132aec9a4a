// Package budget holds what a user's program pays for the SDK, in modules and
// in bytes, within bounds.
package budget

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/exospherehost/exo-go/exo" // so that go test measures again when it changes
)

const (
	maxModules = 10
	maxBytes   = 10_000_000

	ours = "github.com/exospherehost/exo-go/"
)

// unused is what a worker has no use for, by import path, with all below it: what
// serves, keeps, shows and tests is for those who import it.
var unused = []string{
	ours + "cmd", ours + "exo/local", ours + "exotest", ours + "exo/exotel", ours + "exo/transport/transporttest",
	ours + "internal/statemanager", ours + "internal/server", ours + "internal/faults",
	"database/sql", "embed", "html/template", "net/http/httptest", "net/http/pprof", "testing", "text/template/parse",
	"github.com/google/go-cmp", "github.com/urfave/cli", "pgregory.net/rapid",
	"github.com/jackc", "github.com/ncruces", "github.com/mattn/go-sqlite3", "modernc.org", "github.com/tetratelabs/wazero",
	"github.com/prometheus", "go.opentelemetry.io", "google.golang.org",
}

// TestWorkerLinks lists what the smallest worker links, for one platform, so that
// it is the same everywhere.
func TestWorkerLinks(t *testing.T) {
	t.Parallel()
	modules := list(t, "{{with .Module}}{{.Path}}{{end}}", "./testdata/worker")
	if n := len(modules) - 1; n > maxModules { // but the main one
		t.Errorf("it links %d modules, more than %d: %q", n, maxModules, modules)
	}
	for _, path := range list(t, "{{.ImportPath}}", "./testdata/worker") {
		if by := forbidden(path); by != "" {
			t.Errorf("it links %s, for which it has no use (%s)", path, by)
		}
	}
}

// The list finds what it looks for, where that is linked.
func TestUnusedIsFound(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, path := range list(t, "{{.ImportPath}}", "../../cmd/exo") {
		found[forbidden(path)] = true
	}
	for _, want := range []string{ours + "exo/local", ours + "internal/statemanager", "github.com/urfave/cli"} {
		if !found[want] {
			t.Errorf("the command links %s, which is not found", want)
		}
	}
	if by := forbidden(ours + "exo/localize"); by != "" {
		t.Errorf("a name that only begins like %s is taken for it", by)
	}
}

// TestWorkerSize builds that worker, stripped. It compiles all of it, the
// standard library too, where that was not done for the platform before.
func TestWorkerSize(t *testing.T) {
	t.Parallel()
	if os.Getenv("EXO_SLOW") == "" {
		t.Skip("slow: set EXO_SLOW=1")
	}
	program := filepath.Join(t.TempDir(), "worker")
	run(t, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "./testdata/worker")
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
		t.Errorf("it links %d modules, more than %d", len(info.Deps), maxModules)
	}
	if stat.Size() > maxBytes {
		t.Errorf("it has %d bytes, more than %d", stat.Size(), maxBytes)
	}
}

// forbidden is the entry of unused that a package falls under, "" if none.
func forbidden(path string) string {
	if path == "database/sql/driver" { // interfaces alone, which google/uuid implements
		return ""
	}
	i := slices.IndexFunc(unused, func(u string) bool { return path == u || strings.HasPrefix(path, u+"/") })
	if i < 0 {
		return ""
	}
	return unused[i]
}

// list is what format gives for a program and all that it imports, each once.
func list(t *testing.T, format, program string) []string {
	t.Helper()
	found := strings.Fields(run(t, "list", "-deps", "-f", format, program))
	slices.Sort(found)
	return slices.Compact(found)
}

// run runs the go command for one platform.
func run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", args[0], err, &complaint)
	}
	return string(out)
}
