package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

const (
	apiKey = "open-sesame"
	ns     = "testing"
)

// A bench is a state manager that the command reaches by HTTP, and a runtime.
type bench struct {
	t   *testing.T
	sm  *local.Server
	url string
}

type (
	text struct {
		Text string `json:"text"`
	}
	credentials struct {
		Key exo.Secret `json:"key"`
	}
)

// nodes are what the runtime of a bench serves.
func nodes() []node.Any { return testGraph().Nodes() }

// testGraph fans out to words, and joins them. The word "fail" fails.
func testGraph() *exo.Graph {
	first := exo.Node("First", func(_ context.Context, in text, sec credentials) (text, error) {
		if sec.Key.Reveal() != "hush-hush" {
			return text{}, errors.New("the key is another")
		}
		return in, nil
	})
	words := exo.FanOut("Words", func(_ context.Context, in text, _ exo.None) ([]text, error) {
		var out []text
		for w := range strings.FieldsSeq(in.Text) {
			out = append(out, text{w})
		}
		return out, nil
	})
	word := exo.Node("Word", func(_ context.Context, in text, _ exo.None) (text, error) {
		if in.Text == "fail" {
			return text{}, errors.New("a word\nthat \x1b[31mfails")
		}
		return in, nil
	})
	last := exo.Node("Last", func(context.Context, exo.None, exo.None) (text, error) { return text{"done"}, nil })
	g := exo.NewGraph("words").Secrets(map[string]string{"key": "given later"}).Retry(exo.NoRetry())
	store := exo.DeclareStore[struct {
		More string `json:"more" jsonschema:"default="`
	}](g)
	a := exo.Add(g, "first", first, text{"to be " + store.More})
	b := exo.Add(g, "words", words, a.Out, exo.After(a))
	c := exo.Add(g, "word", word, b.Out, exo.After(b))
	exo.Add(g, "last", last, exo.None{}, exo.After(c), exo.Unites(a, exo.AllSuccess))
	return g
}

func newBench(t *testing.T) *bench {
	t.Helper()
	sm := local.New()
	server := httptest.NewServer(sm.Handler(apiKey))
	rt, err := exo.NewRuntime(ns, "worker", nodes(), exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- rt.Run(t.Context()) }() // ends before Cleanup
	<-rt.Ready()
	t.Cleanup(func() {
		if err := <-served; err != nil {
			t.Error(err)
		}
		_ = sm.Close() // tests leave runs behind
		server.Close()
	})
	return &bench{t, sm, server.URL}
}

// exo runs the command against the bench.
func (b *bench) exo(args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	var out, errs bytes.Buffer
	code = run(b.t.Context(), args, &out, &errs, environ(
		"EXOSPHERE_STATE_MANAGER_URI="+b.url, "EXOSPHERE_API_KEY="+apiKey, "EXOSPHERE_NAMESPACE="+ns, "KEY=hush-hush",
	))
	if all := out.String() + errs.String(); strings.Contains(all, apiKey) || strings.Contains(all, "hush-hush") {
		b.t.Errorf("%q shows a secret:\n%s", args, all)
	}
	return code, out.String(), errs.String()
}

// ok runs the command, which must succeed, and gives its output.
func (b *bench) ok(args ...string) string {
	b.t.Helper()
	code, stdout, stderr := b.exo(args...)
	if code != 0 || stderr != "" {
		b.t.Fatalf("exo %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// as reads what a command prints with --output json.
func as[T any](b *bench, args ...string) T {
	b.t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(b.ok(append(args, "--output", "json")...)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		b.t.Fatal(err)
	}
	return v
}

// graphFile writes the graph as a file.
func graphFile(t *testing.T, g *exo.Graph) string {
	t.Helper()
	data, err := g.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return write(t, data)
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "graph.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// wants checks that all texts are in got.
func wants(t *testing.T, got string, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestGraphs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file := graphFile(t, testGraph())
	wants(t, b.ok("graph", "apply", file, "--secret", "key=env:KEY"), "graph words is VALID: 4 steps\n")
	if g := as[exo.GraphInfo](b, "graph", "apply", file, "--secret", "key=a,b"); g.Name != "words" || g.Status != "VALID" || len(g.Nodes) != 4 || g.Nodes[0].Namespace != ns {
		t.Errorf("%+v", g)
	}
	wants(t, b.ok("graph", "get", "words"), "graph      words\n", "secrets    key\n", "retries    0, FIXED", "store      more\n",
		"STEP   NODE", "\nlast   Last   testing    -      first ALL_SUCCESS\n")
	if g := as[exo.GraphInfo](b, "graph", "get", "words"); g.SecretNames[0] != "key" || g.Nodes[3].Unites.Identifier != "first" {
		t.Errorf("%+v", g)
	}
	wants(t, b.ok("graph", "list"), "GRAPH  STATUS  STEPS  TRIGGERS  UPDATED\nwords  VALID   4      0         20")
	if all := as[[]exo.GraphInfo](b, "graph", "list"); len(all) != 1 {
		t.Errorf("%+v", all)
	}
}

// The command says which version serves while the last one is invalid, and
// names an unknown node once.
func TestInvalidGraph(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("graph", "apply", graphFile(t, testGraph()), "--secret", "key=env:KEY")
	file := write(t, []byte(`{"name":"words","secrets":{},"nodes":[{"node_name":"Gone","namespace":"`+ns+`","identifier":"a","inputs":{}}]}`))
	code, _, stderr := b.exo("graph", "apply", file)
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	wants(t, stderr, "(version 1 keeps serving): Node Gone in namespace "+ns+" does not exist\n")
	shown := b.ok("graph", "get", "words")
	wants(t, shown, "status     INVALID\n", "version    2\n", "serving    1\n")
	if strings.Count(shown, "Node Gone") != 1 {
		t.Errorf("the node is not named once:\n%s", shown)
	}
	if g := as[exo.GraphInfo](b, "graph", "get", "words"); g.Version != 2 || g.ServingVersion != 1 {
		t.Errorf("%+v", g)
	}
	b.ok("trigger", "words", "--delay", "1h")
}

func TestNodes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	wants(t, b.ok("node", "list"), "NODE   RUNTIME  INPUTS  OUTPUTS  SECRETS\nFirst  worker   text ", " key\nLast   worker   -       text     -\n")
	if all := as[[]transport.NodeInfo](b, "node", "list"); len(all) != 4 || all[0].Secrets[0] != "key" || all[1].Secrets == nil {
		t.Errorf("%+v", all)
	}
}

func TestRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("graph", "apply", graphFile(t, testGraph()), "--secret", "key=env:KEY")

	id := strings.TrimSpace(b.ok("trigger", "words", "--store", "more=or not, a=b"))
	wants(t, b.ok("run", "wait", id), "run "+id+" of graph words: SUCCESS after ", `{"text":"a=b"}`, "last   SUCCESS  {\"text\":\"done\"}")
	result := as[resultJSON](b, "run", "wait", id)
	if len(result.States) != 1+5+5+1 || result.Status != exo.RunSuccess {
		t.Errorf("%+v", result)
	}
	wants(t, b.ok("run", "show", id), "STATE ", "\ngraph words: ", " SUCCESS\n")
	states := as[statesJSON](b, "run", "show", id)
	if states.RunID != id || len(states.States) != len(result.States) || states.Summary["SUCCESS"] != len(result.States) || len(states.Edges) == 0 {
		t.Errorf("%+v", states)
	}

	// One that fails, waited for at once.
	code, stdout, stderr := b.exo("trigger", "words", "--input", "text=to fail", "--wait")
	if code != exitRunFailed {
		t.Errorf("exit code %d", code)
	}
	wants(t, stdout, "ERRORED  a word that [31mfails\n", ": FAILED after ")
	wants(t, stderr, "exo: ", `step "word"`)
	failed := regexp.MustCompile(`(?m)^([0-9a-f]{24})  word +ERRORED`).FindStringSubmatch(stdout)
	if failed == nil {
		t.Fatal(stdout)
	}

	// A retry of the state, which is made once.
	retried := b.ok("run", "retry", failed[1], "--fanout-id", "once")
	if !regexp.MustCompile(`^[0-9a-f]{24}\n$`).MatchString(retried) {
		t.Error(retried)
	}
	if code, _, stderr := b.exo("run", "retry", failed[1], "--fanout-id", "once"); code != exitFailed || !strings.Contains(stderr, "Duplicate") {
		t.Errorf("exit code %d: %s", code, stderr)
	}

	// One that is cancelled before it begins.
	later := as[runIDJSON](b, "trigger", "words", "--delay", "1h").RunID
	if code, _, stderr := b.exo("run", "wait", later, "--timeout", "1ms"); code != exitFailed || !strings.Contains(stderr, "the run has not finished after 1ms") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	wants(t, b.ok("run", "cancel", later), "run "+later+" is cancelled\n")
	code, stdout, stderr = b.exo("run", "wait", later)
	if code != exitRunFailed || strings.Contains(stderr, "%!") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	wants(t, stdout, ": CANCELLED after ")
	wants(t, stderr, `exo: run `+later+` of graph "words" is CANCELLED`+"\n")

	if all := as[[]runJSON](b, "run", "list"); len(all) != 3 || all[0].ID != later || all[2].ID != id || all[0].Cancelled != 1 || all[2].Cancelled != 0 {
		t.Errorf("%+v", all)
	}
	if some := as[[]runJSON](b, "run", "list", "--limit", "1"); len(some) != 1 || some[0].ID != later {
		t.Errorf("%+v", some)
	}
	if some := as[[]runJSON](b, "run", "list", "--status", "cancelled", "--status", "SUCCESS", "--limit", "0"); len(some) != 2 {
		t.Errorf("%+v", some)
	}
	if none := b.ok("run", "list", "--graph", "another", "-o", "json"); none != "[]\n" {
		t.Error(none)
	}
	wants(t, b.ok("run", "list"), "RUN ", "  RETRIED  CANCELLED  CREATED\n", "  words  CANCELLED  0        0        0        0        1          2", "  words  SUCCESS ")
}

func TestRender(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := testGraph()
	file := graphFile(t, g)
	b.ok("graph", "apply", file, "--secret", "key=env:KEY")
	for _, what := range []string{file, "words"} {
		if got := b.ok("graph", "render", what); got != g.Mermaid() {
			t.Errorf("%s: %s", what, got)
		}
		if got := b.ok("graph", "render", "--format", "dot", what); got != g.DOT() {
			t.Errorf("%s: %s", what, got)
		}
	}
	// A file takes no state manager.
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"graph", "render", file}, &out, &errs, environ()); code != 0 || out.String() != g.Mermaid() {
		t.Errorf("exit code %d: %s", code, &errs)
	}
	if _, err := exec.LookPath("dot"); err != nil {
		t.Skip("dot is not installed")
	}
	wants(t, b.ok("graph", "render", file, "-f", "svg"), "<svg", "</svg>")
}

func TestRenderWithoutGraphviz(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"graph", "render", graphFile(t, testGraph()), "--format", "svg"}, &out, &errs, environ()); code != exitFailed || out.Len() > 0 {
		t.Errorf("exit code %d: %s", code, &out)
	}
	wants(t, errs.String(), "install the package graphviz")
}

// Every way to fail, by its exit code and what is said.
func TestFailures(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file := graphFile(t, testGraph())
	b.ok("graph", "apply", file, "--secret", "key=env:KEY")
	unknown := write(t, []byte(`{"name":"n","nodes":[{"node_name":"Unknown","identifier":"i"}]}`))
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"graph"}, 0, ""},
		{[]string{"graph", "aply"}, exitUsage, "exo graph: unknown command \"aply\"\nUsage: exo graph COMMAND\nSee exo graph --help.\n"},
		{[]string{"graph", "apply"}, exitUsage, "exo graph apply: the argument FILE is missing\nUsage: exo graph apply FILE [options]\nSee exo graph apply --help.\n"},
		{[]string{"graph", "apply", ""}, exitUsage, "the argument FILE is empty"},
		{[]string{"graph", "apply", file, "more"}, exitUsage, `exo graph apply: unexpected argument "more"`},
		{[]string{"graph", "apply", "--sekret", "a=b", file}, exitUsage, "sekret"},
		{[]string{"graph", "apply", file}, exitUsage, "secrets without a value: key"},
		{[]string{"graph", "apply", file, "--secret", "kee=x"}, exitUsage, `the graph has no secret "kee"; it has: key`},
		{[]string{"graph", "apply", file, "--secret", "hush-hus" + "\x68"}, exitUsage, "--secret wants NAME=VALUE"},
		{[]string{"graph", "apply", file, "--secret", "key=a", "--secret", "key=b"}, exitUsage, `"key" is given twice`},
		{[]string{"graph", "apply", file, "--secret", "key=env:NONE"}, exitUsage, "the environment has no NONE"},
		{[]string{"graph", "apply", filepath.Join(t.TempDir(), "none.json")}, exitFailed, "no such file"},
		{[]string{"graph", "apply", write(t, []byte(`{"nam":1}`))}, exitFailed, `unknown member "nam"`},
		{[]string{"graph", "apply", unknown}, exitFailed, "Unknown"},
		{[]string{"graph", "get", "none"}, exitFailed, "not found"},
		{[]string{"graph", "get", "words", "--output", "yaml"}, exitUsage, "--output is table or json"},
		{[]string{"graph", "render", "words", "--format", "png"}, exitUsage, "--format is mermaid, dot or svg"},
		{[]string{"graph", "render", "none"}, exitFailed, "not found"},
		{[]string{"graph", "render", "none.json"}, exitFailed, "no such file"},
		{[]string{"graph", "list", "more"}, exitUsage, `unexpected argument "more"`},
		{[]string{"graph", "list", "--api-key", "wrong"}, exitFailed, "Invalid API key"},
		{[]string{"graph", "list", "--url", "ftp://x"}, exitUsage, "want http:// or https://"},
		{[]string{"graph", "list", "--url", ""}, exitUsage, "EXOSPHERE_STATE_MANAGER_URI"},
		{[]string{"graph", "list", "--namespace", ""}, exitUsage, "EXOSPHERE_NAMESPACE"},
		{[]string{"trigger"}, exitUsage, "exo trigger: the argument GRAPH is missing\nUsage: exo trigger GRAPH [options]\n"},
		{[]string{"trigger", "help"}, exitFailed, "not found"},
		{[]string{"trigger", "none"}, exitFailed, "not found"},
		{[]string{"trigger", "words", "--input", "text"}, exitUsage, "--input wants NAME=VALUE"},
		{[]string{"trigger", "words", "--store", "=x"}, exitUsage, "--store wants NAME=VALUE"},
		{[]string{"trigger", "words", "--delay", "-1s"}, exitUsage, "must not be negative"},
		{[]string{"trigger", "words", "--delay", "soon"}, exitUsage, "soon"},
		{[]string{"trigger", "words", "--timeout", "1s"}, exitUsage, "--timeout goes with --wait"},
		{[]string{"trigger", "words", "--wait", "--timeout", "-1s"}, exitUsage, "must not be negative"},
		{[]string{"run", "wait", "x", "--timeout", "-1s"}, exitUsage, "must not be negative"},
		{[]string{"run", "list", "--status", "gone"}, exitUsage, "--status is pending"},
		{[]string{"run", "list", "--limit", "-1"}, exitUsage, "must not be negative"},
		{[]string{"run", "show", "00000000-0000-4000-8000-000000000000"}, exitFailed, "not found"},
		{[]string{"run", "cancel", "00000000-0000-4000-8000-000000000000"}, exitFailed, "not found"},
		{[]string{"run", "retry", "000000000000000000000000"}, exitFailed, "not found"},
	}
	for _, test := range tests {
		code, stdout, stderr := b.exo(test.args...)
		if code != test.code || !strings.Contains(strings.ToLower(stderr), strings.ToLower(test.want)) {
			t.Errorf("exo %q: exit code %d, want %d and %q\n%s", test.args, code, test.code, test.want, stderr)
		}
		if code != 0 && stdout != "" {
			t.Errorf("exo %q prints %q", test.args, stdout)
		}
	}
	if runs := as[[]runJSON](b, "run", "list"); len(runs) > 0 {
		t.Errorf("runs have been started: %+v", runs)
	}
}

// The line of progress, for a terminal.
func TestProgress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("graph", "apply", graphFile(t, testGraph()), "--secret", "key=env:KEY")
	id := strings.TrimSpace(b.ok("trigger", "words", "--delay", "1h"))
	m, err := exo.NewStateManager(ns, exo.WithStateManager(b.sm), exo.WithLogger(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	shown := make(lines)
	stop := showProgress(t.Context(), shown, m.Run(id))
	if line := <-shown; line != "\r\x1b[K1 CREATED" {
		t.Errorf("%q", line)
	}
	go func() {
		defer close(shown)
		stop()
	}()
	last := ""
	for line := range shown {
		last = line
	}
	if last != "\r\x1b[K" {
		t.Errorf("%q", last)
	}
}

// lines hands on what is written.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestCell(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                        "-",
		" \n":                     "-",
		"plain text":              "plain text",
		"a\tb\n\x1b[2J\u202ec":    "a b [2J c",
		strings.Repeat("ä", 200):  strings.Repeat("ä", 99) + "…",
		strings.Repeat("x ", 500): strings.Repeat("x ", 49) + "x…",
	} {
		if got := cell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
