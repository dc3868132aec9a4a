package exotest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What exotest needs stays out of programs that do not test.
func TestDependenciesStayOutOfPrograms(t *testing.T) {
	t.Parallel()
	list := func(of string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", of).CombinedOutput()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, out)
		}
		return "\n" + string(out)
	}
	const module = "github.com/exospherehost/exo-go/"
	unwanted := []string{"testing", "testing/synctest", "github.com/google/go-cmp/cmp", "go.uber.org/zap/zaptest", module + "exotest"}
	ours := list(module + "exotest")
	for _, pkg := range unwanted {
		if !strings.Contains(ours, "\n"+pkg+"\n") {
			t.Errorf("exotest does not need %s: this test proves nothing about it", pkg)
		}
	}
	for _, program := range []string{module + "exo", module + "exo/local"} {
		theirs := list(program)
		for _, pkg := range unwanted {
			if strings.Contains(theirs, "\n"+pkg+"\n") {
				t.Errorf("%s needs %s", program, pkg)
			}
		}
	}
}
