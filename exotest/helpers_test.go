package exotest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type Text struct {
	Text string `json:"text"`
}

type Words struct {
	Words exo.Val[[]string] `json:"words"`
}

var (
	split = exo.FanOut("Split", func(_ context.Context, in Text, _ exo.None) ([]Text, error) {
		var words []Text
		for w := range strings.FieldsSeq(in.Text) {
			words = append(words, Text{w})
		}
		return words, nil
	})
	upper = exo.Node("Upper", func(_ context.Context, in Text, _ exo.None) (Text, error) {
		return Text{strings.ToUpper(in.Text)}, nil
	})
	join = exo.Node("Join", func(_ context.Context, in Words, _ exo.None) (Text, error) {
		return Text{strings.Join(in.Words.V, " ")}, nil
	})
	echo = exo.Node("Echo", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil })
)

// shout is a graph that begins, splits a text, has every word in capitals, and
// joins them.
type shout struct {
	graph                     *exo.Graph
	begin, words, loud, joint *exo.Step[Text]
}

func newShout(text string) shout {
	s := shout{graph: exo.NewGraph("shout")}
	s.begin = exo.Add(s.graph, "begin", echo, Text{text})
	s.words = exo.Add(s.graph, "words", split, s.begin.Out, exo.After(s.begin))
	s.loud = exo.Add(s.graph, "loud", upper, s.words.Out, exo.After(s.words))
	s.joint = exo.Add(s.graph, "joint", join, Words{exo.CollectStrings(s.loud.Out.Text)}, exo.After(s.loud), exo.Unites(s.begin, exo.AllSuccess))
	return s
}

// one is a graph of one step, "only", and its step.
func one[In, Out, Sec any](n *node.Node[In, Out, Sec], in In) (*exo.Graph, *exo.Step[Out]) {
	g := exo.NewGraph("one")
	return g, exo.Add(g, "only", n, in)
}

// A recorder is a test that is expected to fail: it keeps what it is told.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	messages []string
	failed   bool
	ended    bool
	cleanups []func()
}

// messages runs f with a test of its own, as a test is run, and gives what it
// was told.
func messages(t *testing.T, f func(t testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	for _, c := range r.cleanups {
		c()
	}
	if r.ended {
		r.messages = append(r.messages, "(the test ends)")
	}
	return strings.Join(r.messages, "\n")
}

func (r *recorder) add(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, s)
}

func (r *recorder) Helper()             {}
func (r *recorder) Failed() bool        { return r.failed }
func (r *recorder) Skipped() bool       { return false }
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Cleanup(f func())    { r.cleanups = append([]func(){f}, r.cleanups...) }
func (r *recorder) Fail()               { r.failed = true }

func (r *recorder) FailNow() {
	r.failed, r.ended = true, true
	runtime.Goexit()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.add(fmt.Sprintf(format, args...))
	r.Fail()
}

func (r *recorder) Error(args ...any) {
	r.Errorf("%s", strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.add(fmt.Sprintf(format, args...))
	r.FailNow()
}

func (r *recorder) Fatal(args ...any) {
	r.Fatalf("%s", strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

func claimOf(nodes ...string) transport.ClaimRequest {
	return transport.ClaimRequest{Nodes: nodes, Max: 1}
}
