package supplychain

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

var (
	pinned = regexp.MustCompile(`^[\w-]+/[\w./-]+@[0-9a-f]{40}$`)
	uses   = regexp.MustCompile(`^\s*(?:- )?uses:\s*(\S+)(.*)$`)
	tagged = regexp.MustCompile(`^ # v\d+\.\d+\.\d+$`)
)

// TestWorkflows holds the workflows to what actionlint does not ask for:
// actions pinned by commit with their version beside them, no permission but
// what a job names, a bound on the time of every job, and no credentials left
// behind in the working copy.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows found: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			for _, fault := range workflowFaults(read(t, file)) {
				t.Error(fault)
			}
		})
	}
}

// TestWorkflowFaults breaks each rule once.
func TestWorkflowFaults(t *testing.T) {
	t.Parallel()
	const good = `name: good
on: push
permissions: {}
jobs:
  one:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@0123456789012345678901234567890123456789 # v6.0.2
        with:
          persist-credentials: false
`
	if faults := workflowFaults(good); len(faults) > 0 {
		t.Fatalf("the workflow to break has faults itself: %q", faults)
	}
	for _, c := range []struct{ old, broken string }{
		{"permissions: {}\n", ""},
		{"permissions: {}\n", "permissions: write-all\n"},
		{"    permissions:\n      contents: read\n", ""},
		{"    permissions:\n      contents: read\n", "    permissions: write-all\n"},
		{"    timeout-minutes: 5\n", ""},
		{"persist-credentials: false", "persist-credentials: true"},
		{"@0123456789012345678901234567890123456789 # v6.0.2", "@v6.0.2"},
		{" # v6.0.2", ""},
		{"jobs:", "jobs"},
	} {
		if faults := workflowFaults(strings.Replace(good, c.old, c.broken, 1)); len(faults) == 0 {
			t.Errorf("%q in place of %q is no fault", c.broken, c.old)
		}
	}
}

func workflowFaults(text string) []string {
	var faults []string
	fault := func(what ...string) { faults = append(faults, strings.Join(what, " ")) }
	for line := range strings.Lines(text) {
		m := uses.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		if !pinned.MatchString(m[1]) {
			fault(m[1], "is not pinned by commit")
		}
		if !tagged.MatchString(m[2]) {
			fault(m[1], "does not say which version it is")
		}
	}

	w, errs := actionlint.Parse([]byte(text))
	for _, err := range errs {
		fault(err.Error())
	}
	if w == nil {
		return faults
	}
	if w.Permissions == nil || w.Permissions.All != nil || len(w.Permissions.Scopes) > 0 {
		fault("the workflow must begin with no permissions: {}")
	}
	for name, job := range w.Jobs {
		if job.Permissions == nil || job.Permissions.All != nil {
			fault(name, "does not name its permissions")
		}
		if job.TimeoutMinutes == nil {
			fault(name, "may run for ever")
		}
		for _, step := range job.Steps {
			action, ok := step.Exec.(*actionlint.ExecAction)
			if !ok || !strings.HasPrefix(action.Uses.Value, "actions/checkout@") {
				continue
			}
			if in := action.Inputs["persist-credentials"]; in == nil || in.Value.Value != "false" {
				fault(name, "leaves the token behind in the working copy")
			}
		}
	}
	return faults
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
