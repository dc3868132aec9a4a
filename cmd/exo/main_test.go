package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the command itself when a test has started this binary anew
// for that.
func TestMain(m *testing.M) {
	if os.Getenv("EXO_TEST_COMMAND") != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func environ(vars ...string) func(string) string {
	return func(name string) string {
		for _, v := range vars {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

// runCommand runs a command to its end.
func runCommand(t *testing.T, getenv func(string) string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that exo serve ends as soon as it has begun
	code = run(ctx, args, &out, &errs, getenv)
	return code, out.String(), errs.String()
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"version", "--version", "-v"} {
		code, stdout, stderr := runCommand(t, environ(), arg)
		if code != 0 || stderr != "" || !regexp.MustCompile(`^exo version .*go1\.\d+.* [a-z0-9]+/[a-z0-9]+\n$`).MatchString(stdout) {
			t.Errorf("exo %s: %d %q %q", arg, code, stdout, stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"help"}, {"--help"}, {"serve", "--help"}} {
		code, stdout, stderr := runCommand(t, environ(), args...)
		if code != 0 || !strings.Contains(stdout, "exo") || stderr != "" {
			t.Errorf("%q: %d %q %q", args, code, stdout, stderr)
		}
	}
	_, stdout, _ := runCommand(t, environ(), "serve", "--help")
	for _, word := range []string{"--addr", "--api-key", "--default-lease", "--keep-runs", "--keep-states", "--log-level", "--log-format", "--tls-cert", "--tls-key", "CORS_ORIGINS"} {
		if !strings.Contains(stdout, word) {
			t.Errorf("exo serve --help says nothing of %s", word)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.pem")
	tests := []struct {
		name   string
		args   []string
		code   int
		stderr string // a part of it
	}{
		{"no such command", []string{"sevre"}, 2, "exo: unknown command \"sevre\"\nUsage: exo COMMAND\nSee exo --help.\n"},
		{"no such flag", []string{"--nope"}, 2, "exo: unknown flag --nope\n"},
		{"no such short flag", []string{"run", "list", "-x"}, 2, "exo run list: unknown flag -x\n"},
		{"no such flag of a command", []string{"serve", "--nope"}, 2, "exo serve: unknown flag --nope\nUsage: exo serve [options]\nSee exo serve --help.\n"},
		{"no value", []string{"serve", "--addr"}, 2, "exo serve: --addr needs a value\n"},
		{"number", []string{"serve", "--keep-runs", "x"}, 2, "exo serve: invalid value \"x\" for --keep-runs\n"},
		{"argument", []string{"serve", "now"}, 2, "exo serve: unexpected argument \"now\"\n"},
		{"argument of version", []string{"version", "now"}, 2, `exo version: unexpected argument "now"`},
		{"help of nothing", []string{"help", "rnu"}, 2, "exo: unknown command \"rnu\"\n"},
		{"help of nothing below", []string{"help", "run", "lst"}, 2, "exo run: unknown command \"lst\"\n"},
		{"completion of no shell", []string{"completion", "tcsh"}, 2, "exo completion: unknown command \"tcsh\"\n"},
		{"duration", []string{"serve", "--default-lease", "soon"}, 2, `invalid value "soon" for --default-lease`},
		{"negative duration", []string{"serve", "--default-lease", "-1s"}, 2, "--default-lease must not be negative"},
		{"negative number", []string{"serve", "--keep-runs", "-1"}, 2, "--keep-runs must not be negative"},
		{"negative number of states", []string{"serve", "--keep-states", "-1"}, 2, "--keep-states must not be negative"},
		{"level", []string{"serve", "--log-level", "loud"}, 2, `log level "loud"`},
		{"format", []string{"serve", "--log-format", "xml"}, 2, `log format "xml"`},
		{"empty key", []string{"serve", "--api-key", ""}, 2, "--api-key must not be empty"},
		{"half of TLS", []string{"serve", "--tls-cert", missing}, 2, "go together"},
		{"no certificate", []string{"serve", "--tls-cert", missing, "--tls-key", missing}, 1, "missing.pem"},
		{"address", []string{"serve", "--addr", "nowhere"}, 1, "listen"},
		{"fine", []string{"serve", "--addr", "127.0.0.1:0"}, 0, "stopped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, _, stderr := runCommand(t, environ(), tt.args...)
			if code != tt.code || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("%d, want %d: %s", code, tt.code, stderr)
			}
		})
	}
}
