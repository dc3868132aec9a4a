package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// Whatever else is on the command line, help is what was asked for.
func TestHelpWins(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args string
		of   string
	}{
		{"help", "exo"},
		{"h", "exo"},
		{"rum --help", "exo"},
		{"help run", "exo run"},
		{"run help", "exo run"},
		{"run lst --help", "exo run"},
		{"help run list", "exo run list"},
		{"run help list", "exo run list"},
		{"run list --help", "exo run list"},
		{"run list -h", "exo run list"},
		{"--help serve", "exo serve"},
		{"serve extra --help", "exo serve"},
		{"serve --help extra", "exo serve"},
		{"trigger one two three --help", "exo trigger"},
		{"version now --help", "exo version"},
		{"completion bash --help", "exo completion bash"},
	} {
		code, stdout, stderr := runCommand(t, environ(), strings.Fields(test.args)...)
		if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "NAME:\n   "+test.of+" - ") {
			t.Errorf("exo %s: exit code %d, want the help of %s\n%s%s", test.args, code, test.of, stdout, stderr)
		}
	}
}

// A default is told once, and never as a zero that means something else.
func TestHelpTellsDefaults(t *testing.T) {
	t.Parallel()
	zero := regexp.MustCompile(`\(default: (0s|""|)\)`)
	placeholder := regexp.MustCompile(`--[a-z-]+ (int|string|duration|value)\b`)
	for name, c := range commands() {
		for _, f := range c.Flags {
			text := f.String()
			zero := zero.MatchString(text) && !strings.Contains(text, "; 0: ")
			if strings.Count(text, "default:") > 1 || zero || placeholder.MatchString(text) {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	_, help, _ := runCommand(t, environ(), "run", "wait", "--help")
	wants(t, help, "--timeout DURATION", "(default: wait for ever)", "(default: $EXOSPHERE_API_KEY)")
}

func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{
		"bash":       "complete -o bashdefault -o default -F __exo_bash_autocomplete exo\n",
		"zsh":        "#compdef exo\n",
		"fish":       "complete -c exo -f -a '(__exo_perform_completion)'\n",
		"pwsh":       "Register-ArgumentCompleter -Native",
		"powershell": "Register-ArgumentCompleter -Native",
	} {
		code, stdout, stderr := runCommand(t, environ(), "completion", shell)
		if code != 0 || stderr != "" {
			t.Errorf("%s: exit code %d: %s", shell, code, stderr)
		}
		wants(t, stdout, want, "--generate-shell-completion")
	}
}

// What the scripts ask the command for, in a process of its own: the library
// reads its command line.
func TestCompletion(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		words string
		want  []string
	}{
		{"r", []string{"run"}},
		{"run", []string{"list", "show", "wait", "cancel", "retry", "requeue"}},
		{"run re", []string{"retry", "requeue"}},
		{"run wait --t", []string{"--timeout"}},
		{"graph render x --f", []string{"--format"}},
		{"--ver", []string{"--version"}},
		{"completion p", []string{"pwsh"}},
		{"run wait", nil},
		{"nothing", nil},
		{"trigger -- --w", nil},
	} {
		cmd := exec.CommandContext(t.Context(), self, append(strings.Fields(test.words), "--generate-shell-completion")...)
		cmd.Env = append(os.Environ(), "EXO_TEST_COMMAND=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("exo %s: %v", test.words, err)
		}
		var got []string
		for line := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), ":")
			got = append(got, word)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("exo %s offers %q, want %q", test.words, got, test.want)
		}
	}
}

// The script has bash complete "exo r" to "exo run".
func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := runCommand(t, environ(), "completion", "bash")
	cmd := exec.CommandContext(t.Context(), bash, "--norc", "-c", script+`
exo() { "$SELF" "$@"; }
_get_comp_words_by_ref() { :; }
COMP_WORDS=(exo r) COMP_CWORD=1
__exo_bash_autocomplete
echo "${COMPREPLY[@]}"`)
	cmd.Env = append(os.Environ(), "EXO_TEST_COMMAND=1", "SELF="+self)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "run\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// Every command says what it does in a line, in the style of the others.
func TestUsageLines(t *testing.T) {
	t.Parallel()
	root := command(environment{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), getenv: environ()})
	_ = root.Run(context.Background(), []string{"exo"})
	_ = root.Walk(func(c *cli.Command) error {
		if c.Usage == "" || c.Usage[0] < 'a' || c.Usage[0] > 'z' || strings.HasSuffix(c.Usage, ".") {
			t.Errorf("%s: %q", c.FullName(), c.Usage)
		}
		if len(c.Commands) == 0 && !strings.HasPrefix(c.UsageText, c.FullName()) {
			t.Errorf("%s: usage %q", c.FullName(), c.UsageText)
		}
		return nil
	})
}
