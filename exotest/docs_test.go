package exotest_test

import (
	"os"
	"strings"
	"testing"
)

// The first tests that the guide shows are short.
func TestGuideBeginsShort(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	for call, most := range map[string]int{"exotest.Run(": 10, ".Drive(": 20} {
		found := false
		for block := range strings.SplitSeq(string(text), "```go\n") {
			block, _, _ = strings.Cut(block, "```")
			if !strings.HasPrefix(block, "func Test") || !strings.Contains(block, call) {
				continue
			}
			found = true
			if n := strings.Count(block, "\n"); n > most {
				t.Errorf("the first test with %s has %d lines, want at most %d:\n%s", call, n, most, block)
			}
			break
		}
		if !found {
			t.Errorf("no test with %s", call)
		}
	}
}
