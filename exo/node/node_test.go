package node_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

type (
	in struct {
		URL    string `json:"url"`
		Limit  string `json:"limit" jsonschema:"default=100"`
		Cursor string `json:"cursor,omitempty"`
	}
	out struct {
		Text string `json:"text"`
		Note string `json:"note,omitempty"`
	}
	sec struct {
		Key node.Secret `json:"key"`
	}
)

func echo(_ context.Context, i in, s sec) (out, error) {
	return out{Text: i.URL + " " + i.Limit + " " + i.Cursor + s.Key.Reveal()}, nil
}

func mustOne[In, Out, Sec any](tb testing.TB, fn func(context.Context, In, Sec) (Out, error), opts ...node.Option) *node.Node[In, Out, Sec] {
	tb.Helper()
	n, err := node.New("N", fn, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func mustMany[In, Out, Sec any](tb testing.TB, fn func(context.Context, In, Sec) ([]Out, error), opts ...node.Option) *node.Node[In, Out, Sec] {
	tb.Helper()
	n, err := node.NewFanOut("N", fn, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestExecute(t *testing.T) {
	t.Parallel()
	request := &node.Request{Inputs: transport.Object(`{"url":"u\n","extra":1}`), Secrets: transport.Secrets{"key": "k", "other": "o"}}
	outs := func(n int) func(context.Context, in, sec) ([]out, error) {
		return func(context.Context, in, sec) (all []out, _ error) {
			for i := range n {
				all = append(all, out{Text: fmt.Sprint(i)})
			}
			return all, nil
		}
	}
	tests := []struct {
		name string
		n    node.Any
		want []string
	}{
		{"one output", mustOne(t, echo), []string{`{"text":"u\n 100 k","note":""}`}},
		{"no output fields", mustOne(t, func(context.Context, in, sec) (node.None, error) { return node.None{}, nil }), nil},
		{"no inputs, no secrets", mustOne(t, func(context.Context, node.None, node.None) (out, error) { return out{}, nil }), []string{`{"text":"","note":""}`}},
		{"many outputs", mustMany(t, outs(3)), []string{`{"text":"0","note":""}`, `{"text":"1","note":""}`, `{"text":"2","note":""}`}},
		{"one of many", mustMany(t, outs(1)), []string{`{"text":"0","note":""}`}},
		{"none of many", mustMany(t, outs(0)), nil},
		{"many without fields", mustMany(t, func(context.Context, in, sec) ([]node.None, error) { return make([]node.None, 2), nil }), []string{"{}", "{}"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			objects, err := tt.n.Execute(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range objects {
				got = append(got, string(o))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestExecuteErrors(t *testing.T) {
	t.Parallel()
	n := mustOne(t, func(context.Context, in, sec) (out, error) {
		t.Error("the function was called")
		return out{}, nil
	})
	tests := []struct {
		name, inputs string
		secrets      transport.Secrets
		want         string
	}{
		{"malformed", `{"url":canary}`, transport.Secrets{"key": "k"}, "decode inputs: malformed JSON at byte 7: want a value"},
		{"null", `null`, transport.Secrets{"key": "k"}, "decode inputs: want a JSON object, got null"},
		{"missing", `{"limit":"canary"}`, transport.Secrets{"key": "k"}, `decode inputs: missing required field "url"`},
		{"no string", `{"url":{"canary":1}}`, transport.Secrets{"key": "k"}, `decode inputs: field "url" is an object, want a string (other values travel as text, see exo.Val)`},
		{"no secret", `{"url":"u"}`, transport.Secrets{"other": "canary"}, `decode secrets: missing required field "key"`},
		{"no secrets", `{"url":"u"}`, nil, `decode secrets: missing required field "key"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := n.Execute(t.Context(), &node.Request{Inputs: transport.Object(tt.inputs), Secrets: tt.secrets})
			if err == nil || err.Error() != tt.want || got != nil {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
			if node.IsPermanent(err) {
				t.Error("the error is permanent")
			}
		})
	}
}

// Errors and signals must come back as the very values that were returned, and
// no outputs beside them.
func TestErrorsPassUnchanged(t *testing.T) {
	t.Parallel()
	request := &node.Request{Inputs: transport.Object(`{"url":"u"}`), Secrets: transport.Secrets{"key": "k"}}
	for _, want := range []error{
		errors.New("plain"), node.Permanent(errors.New("permanent")), &node.PruneSignal{Data: map[string]any{"a": 1}}, &node.RequeueSignal{After: time.Second},
	} {
		one := mustOne(t, func(context.Context, in, sec) (out, error) { return out{Text: "beside"}, want })
		many := mustMany(t, func(context.Context, in, sec) ([]out, error) { return []out{{Text: "beside"}}, want })
		for _, n := range []node.Any{one, many} {
			got, err := n.Execute(t.Context(), request)
			if err != want || got != nil { //nolint:errorlint // the very same is wanted
				t.Errorf("got %s, %v, want %v", got, err, want)
			}
		}
		if _, err := one.Call(t.Context(), in{}, sec{}); err != want { //nolint:errorlint // the very same is wanted
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	got, err := mustOne(t, echo).Call(t.Context(), in{URL: "u"}, sec{Key: "k"})
	if d := cmp.Diff([]out{{Text: "u  k"}}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	got, err = mustMany(t, func(context.Context, in, sec) ([]out, error) { return make([]out, 2), nil }).Call(t.Context(), in{}, sec{})
	if len(got) != 2 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	none, err := mustOne(t, func(context.Context, in, sec) (node.None, error) { return node.None{}, nil }).Call(t.Context(), in{}, sec{})
	if len(none) != 0 || err != nil {
		t.Errorf("got %v, %v", none, err)
	}
}

func TestRemote(t *testing.T) {
	t.Parallel()
	n, err := node.NewRemote[in, out]("billing", "Charge")
	if err != nil {
		t.Fatal(err)
	}
	if n.Name() != "Charge" || n.Namespace() != "billing" || n.Timeout() != 0 || n.Concurrency() != 0 {
		t.Errorf("got %q in %q", n.Name(), n.Namespace())
	}
	const want = `node "Charge" has no function here: it is served by other runtimes, in namespace "billing"`
	if got, err := n.Execute(t.Context(), &node.Request{Inputs: transport.Object(`{"url":"u"}`)}); got != nil || err == nil || err.Error() != want {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := n.Call(t.Context(), in{}, node.None{}); got != nil || err == nil || err.Error() != want {
		t.Errorf("got %v, %v", got, err)
	}
	if got := n.OutTemplate(strings.ToUpper); got != (out{Text: "TEXT", Note: "NOTE"}) {
		t.Errorf("got %v", got)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	n := mustOne(t, echo, node.WithTimeout(time.Minute), node.WithConcurrency(2), node.WithTimeout(time.Hour))
	if n.Timeout() != time.Hour || n.Concurrency() != 2 || n.Namespace() != "" {
		t.Errorf("got %v, %d, %q", n.Timeout(), n.Concurrency(), n.Namespace())
	}
	if n := mustOne(t, echo); n.Timeout() != 0 || n.Concurrency() != 0 {
		t.Errorf("got %v, %d", n.Timeout(), n.Concurrency())
	}
}

func TestFieldsForGraphs(t *testing.T) {
	t.Parallel()
	n := mustOne(t, echo)
	if d := cmp.Diff([]node.Field{{Name: "url", Required: true}, {Name: "limit", Default: "100"}, {Name: "cursor"}}, n.InputFields()); d != "" {
		t.Error(d)
	}
	fields, err := n.InFields(in{URL: "u"})
	if d := cmp.Diff(map[string]string{"url": "u", "limit": "", "cursor": ""}, fields); d != "" || err != nil {
		t.Error(d, err)
	}
	if got := n.OutTemplate(func(f string) string { return "${{ s.outputs." + f + " }}" }); got != (out{"${{ s.outputs.text }}", "${{ s.outputs.note }}"}) {
		t.Errorf("got %+v", got)
	}
	if got, err := n.DecodeOutput(transport.Object(`{"text":"t"}`)); got != (out{Text: "t"}) || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := n.DecodeOutput(transport.Object(`{}`)); got != (out{}) || err == nil || err.Error() != `decode an output of node "N": missing required field "text"` {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestExecuteAllocations(t *testing.T) {
	n := mustOne(t, echo2)
	req := &node.Request{Inputs: transport.Object(`{"url":"u\n","limit":"1"}`), Secrets: transport.Secrets{"key": "k"}}
	got := testing.AllocsPerRun(100, func() {
		if _, err := n.Execute(context.Background(), req); err != nil {
			t.Error(err)
		}
	})
	if got > 3 {
		t.Errorf("got %v allocations, want at most 3", got)
	}
}

// echo2 allocates nothing itself.
func echo2(_ context.Context, i in, s sec) (out, error) {
	return out{Text: i.URL, Note: s.Key.Reveal()}, nil
}

func TestExecuteConcurrently(t *testing.T) {
	t.Parallel()
	n := mustOne(t, echo)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 200 {
				id := fmt.Sprintf("%d-%d", w, i)
				got, err := n.Execute(t.Context(), &node.Request{Inputs: fmt.Appendf(nil, `{"url":%q}`, id), Secrets: transport.Secrets{"key": id}})
				if want := `{"text":"` + id + " 100 " + id + `","note":""}`; err != nil || len(got) != 1 || string(got[0]) != want {
					t.Errorf("got %s, %v, want %s", got, err, want)
				}
			}
		})
	}
	wg.Wait()
}
