package local_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ns = "etl"

// newLocal is a state manager that is closed with the test. In a bubble it must
// be closed before that, which a second Close does not mind.
func newLocal(tb testing.TB, opts ...local.Option) *local.Server {
	tb.Helper()
	sm := local.New(opts...)
	tb.Cleanup(func() { _ = sm.Close() })
	return sm
}

// direct calls a handler without a network, so that time can stand still in a
// bubble.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

const key = "the key"

// ways are the ways to a namespace of a state manager.
func ways(sm *local.Server) map[string]transport.Transport {
	web := transport.HTTP{URL: "http://localhost", APIKey: key, Client: &http.Client{Transport: direct{sm.Handler(key)}}}
	return map[string]transport.Transport{"in process": sm.Namespace(ns), "over HTTP": web.Namespace(ns)}
}

// spec is a node that takes text and gives text.
func spec(name string) transport.NodeSpec {
	text := []byte(`{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}`)
	return transport.NodeSpec{Name: name, InputsSchema: text, OutputsSchema: text, Secrets: []string{}}
}

func step(node, identifier, text string, next ...string) transport.Placement {
	return transport.Placement{Node: node, Namespace: ns, Identifier: identifier, Inputs: map[string]string{"text": text}, Next: next}
}

// prepare registers nodes, and writes for each a graph of that name that is
// nothing but the node.
func prepare(tb testing.TB, t transport.Transport, nodes ...string) {
	tb.Helper()
	specs := make([]transport.NodeSpec, len(nodes))
	for i, n := range nodes {
		specs[i] = spec(n)
	}
	if err := t.Register(context.Background(), "worker", specs); err != nil {
		tb.Fatal(err)
	}
	for _, n := range nodes {
		put(tb, t, n, transport.GraphSpec{Nodes: []transport.Placement{step(n, "n", "v")}})
	}
}

func put(tb testing.TB, t transport.Transport, name string, g transport.GraphSpec) {
	tb.Helper()
	if _, err := t.PutGraph(context.Background(), name, g); err != nil {
		tb.Fatal(err)
	}
	if got, err := t.Graph(context.Background(), name); err != nil || got.Status != transport.Valid {
		tb.Fatalf("graph %s: %v %v", name, got.Errors, err)
	}
}

func trigger(tb testing.TB, t transport.Transport, graph string, delay time.Duration) (runID string) {
	tb.Helper()
	id, err := t.Trigger(context.Background(), graph, transport.TriggerSpec{StartDelay: delay})
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func claim(tb testing.TB, t transport.Transport, req transport.ClaimRequest) []transport.Claimed {
	tb.Helper()
	states, err := t.Claim(context.Background(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return states
}

// do reports that a state was executed, with these texts.
func do(tb testing.TB, t transport.Transport, s transport.Claimed, outputs ...string) {
	tb.Helper()
	var o transport.Executed
	for _, out := range outputs {
		o.Outputs = append(o.Outputs, transport.Object(`{"text":"`+out+`"}`))
	}
	for _, err := range t.Report(context.Background(), []transport.Report{{StateID: s.ID, Token: s.Token, Outcome: o}}) {
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// wantClosed checks the error of a call after Close.
func wantClosed(t *testing.T, what string, err error) {
	t.Helper()
	var e *transport.Error
	if !errors.Is(err, local.ErrClosed) || !errors.As(err, &e) || e.Temporary() {
		t.Errorf("%s: %v", what, err)
	}
}
