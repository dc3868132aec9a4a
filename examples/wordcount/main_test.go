package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// folder is a tree with what is easily miscounted.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"plain.txt":         "one two\nthree\n",
		"no-newline.txt":    "a b  c",
		"empty.txt":         "",
		"blank.txt":         " \n\t\n\v\f\r\n",
		"unicode.txt":       "äöü ñandú 漢字　かな\u2028x\n",
		"spaces.txt":        "a\u00a0b c\u2003d\u2060e\n",
		"control.txt":       "\x01 \x02x \x1b\n",
		"long.txt":          strings.Repeat("lorem ipsum dolor\n", 20000),
		"sub/deep/file.md":  "# Title\n\nText.\n",
		".git/HEAD":         "ref: refs/heads/main\n",
		"binary.bin":        "\x00\x01\x02",
		"latin1.txt":        "caf\xe9\n",
		"cut.txt":           strings.Repeat("x", 8191) + "ä\n",
		"sub/with space.md": "a b\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var counted = []string{
	"plain.txt", "no-newline.txt", "empty.txt", "blank.txt", "unicode.txt", "spaces.txt", "control.txt",
	"long.txt", "sub/deep/file.md", "cut.txt", "sub/with space.md",
}

// rows gives the lines of the table as "lines words bytes path".
func rows(t *testing.T, table string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for i, line := range strings.Split(table, "\n") {
		if line == "" {
			break
		}
		var lines, words, size int
		if _, err := fmt.Sscan(line, &lines, &words, &size); err != nil {
			if i > 0 {
				t.Fatalf("line %q: %v", line, err)
			}
			continue // the heading
		}
		name := strings.TrimSpace(line)
		for range 3 {
			_, name, _ = strings.Cut(strings.TrimSpace(name), " ")
		}
		found[strings.TrimSpace(name)] = fmt.Sprintf("%d %d %d", lines, words, size)
	}
	return found
}

func TestAgreesWithWc(t *testing.T) {
	wc, err := exec.LookPath("wc")
	if err != nil {
		t.Skip("wc is not installed")
	}
	dir := folder(t)
	var out, errs bytes.Buffer
	if err := run(t.Context(), []string{dir}, &out, &errs); err != nil {
		t.Fatal(err)
	}
	got := rows(t, out.String())
	args := []string{"-lwc", "--"}
	for _, name := range counted {
		args = append(args, filepath.Join(dir, name))
	}
	cmd := exec.Command(wc, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	theirs, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := rows(t, string(theirs))
	if len(want) != len(counted)+1 || len(got) != len(want) {
		t.Errorf("%d rows, wc has %d", len(got), len(want))
	}
	for name, numbers := range want {
		if got[name] != numbers {
			t.Errorf("%s: %s, wc says %s", name, got[name], numbers)
		}
	}
	if errs.Len() > 0 {
		t.Errorf("stderr: %s", &errs)
	}
	if !strings.Contains(out.String(), fmt.Sprintf("\n\n%d files in ", len(counted))) {
		t.Errorf("no summary in:\n%s", &out)
	}
}

func TestSortedByWords(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{folder(t)}, &out, &out); err != nil {
		t.Fatal(err)
	}
	last := int(^uint(0) >> 1)
	for _, line := range strings.Split(out.String(), "\n")[1 : len(counted)+1] {
		var lines, words int
		if _, err := fmt.Sscan(line, &lines, &words); err != nil {
			t.Fatal(err)
		}
		if words > last {
			t.Errorf("not sorted:\n%s", &out)
		}
		last = words
	}
}

func TestUnreadableFilesAreReported(t *testing.T) {
	if os.Getuid() == 0 {
		// Root reads everything: a name that the wire cannot carry stands in.
		t.Log("running as root")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "good.txt"), []byte("a b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.txt"), []byte("c\n"), 0o000); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "odd\xff.txt"), []byte("c\n"), 0o600); err != nil {
		t.Skip("this file system takes only names that are UTF-8")
	}
	var out, errs bytes.Buffer
	if err := run(t.Context(), []string{dir}, &out, &errs); err != nil {
		t.Fatal(err)
	}
	if rows(t, out.String())[filepath.Join(dir, "good.txt")] != "1 2 4" {
		t.Errorf("the readable file is not counted:\n%s", &out)
	}
	if !strings.Contains(errs.String(), "not UTF-8") || !strings.Contains(out.String(), "unreadable") {
		t.Errorf("not reported:\n%s%s", &errs, &out)
	}
	if os.Getuid() != 0 && !strings.Contains(errs.String(), "permission denied") {
		t.Errorf("not reported:\n%s", &errs)
	}
}

func TestNothingToCount(t *testing.T) {
	var out, errs bytes.Buffer
	if err := run(t.Context(), []string{t.TempDir()}, &out, &errs); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "0 files") {
		t.Error(out.String())
	}
	if err := run(t.Context(), []string{filepath.Join(t.TempDir(), "none")}, &out, &errs); err == nil {
		t.Error("a folder that is not there is accepted")
	}
}
