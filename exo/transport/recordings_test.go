package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
)

// A recording is an exchange of the Python SDK, or by hand (then it has a note),
// with the reference state manager.
type recording struct {
	Request struct {
		Method, Path string
		Body         json.RawMessage
	}
	Response struct {
		Status int
		Body   json.RawMessage
	}
	Note string
}

func recordings(t *testing.T) []recording {
	t.Helper()
	raw, err := os.ReadFile("testdata/recordings.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []recording
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// Our client must send what the Python SDK sends, and understand what the
// reference state manager answers to it.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t) {
		t.Run(r.Request.Method+" "+strings.ReplaceAll(r.Request.Path, "/", " ")+" "+r.Note, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(r.Response.Status)
				_, _ = w.Write(r.Response.Body)
			})
			segments := strings.Split(strings.TrimPrefix(r.Request.Path, "/v0/namespace/"), "/")
			for i := range segments {
				var err error
				if segments[i], err = url.PathUnescape(segments[i]); err != nil {
					t.Fatal(err)
				}
			}
			err := again(t, p.namespace(segments[0]), r, segments[1:])
			sent := p.seen()
			if len(sent) != 1 || sent[0].Method != r.Request.Method || sent[0].URI != r.Request.Path {
				t.Fatalf("sent %v", sent)
			}
			if r.Note == "" && r.Request.Method != http.MethodGet {
				recorded := strings.ReplaceAll(string(r.Request.Body), `,"max_delay":null`, "") // we leave it out
				if diff := cmp.Diff(canonical(t, recorded), canonical(t, sent[0].Body)); diff != "" {
					t.Errorf("body (-recorded +sent):\n%s", diff)
				}
			}
			checkRecordedAnswer(t, r, err)
		})
	}
}

func checkRecordedAnswer(t *testing.T, r recording, err error) {
	t.Helper()
	if r.Response.Status < 300 {
		if err != nil {
			t.Error(err)
		}
		return
	}
	var answer struct{ Detail string }
	if err := json.Unmarshal(r.Response.Body, &answer); err != nil {
		t.Fatal(err)
	}
	var e *transport.Error
	if !errors.As(err, &e) || e.Status != r.Response.Status || !strings.HasPrefix(answer.Detail, e.Message) || e.Message == "" {
		t.Errorf("%#v, recorded %d %q", err, r.Response.Status, answer.Detail)
	}
}

// again makes the recorded call, and checks what can be counted of the answer.
func again(t *testing.T, ns transport.Transport, r recording, path []string) error {
	t.Helper()
	ctx := t.Context()
	var body recordedBody
	body.decode(t, r.Request.Body)
	switch r.Request.Method + " " + path[0] + " " + path[len(path)-1] {
	case "PUT nodes ":
		return ns.Register(ctx, body.Runtime, body.specs(t))
	case "GET nodes ":
		nodes, err := ns.Nodes(ctx)
		return counted(t, r, "nodes", len(nodes), err)
	case "GET graphs ":
		graphs, err := ns.Graphs(ctx)
		return counted(t, r, "templates", len(graphs), err)
	case "POST states enqueue":
		states, err := ns.Claim(ctx, transport.ClaimRequest{Nodes: body.names(t), Max: body.BatchSize})
		for _, s := range states {
			if s.ID == "" || s.Node == "" || s.Identifier == "" || len(s.Inputs) == 0 || s.CreatedAt.IsZero() {
				t.Errorf("claimed %+v", s)
			}
		}
		return counted(t, r, "states", len(states), err)
	case "GET states graph":
		graph, err := ns.RunGraph(ctx, path[2])
		_ = counted(t, r, "edges", len(graph.Edges), err)
		_ = counted(t, r, "root_states", len(graph.Roots), err)
		return counted(t, r, "nodes", len(graph.States), err)
	case "GET state secrets":
		return errOf(ns.Secrets(ctx, path[1]))
	case "POST state manual-retry":
		return errOf(ns.Retry(ctx, path[1], body.FanoutID))
	case "POST graph trigger":
		return errOf(ns.Trigger(ctx, path[1], transport.TriggerSpec{Inputs: body.Inputs, Store: body.Store, StartDelay: time.Duration(body.StartDelay) * time.Millisecond}))
	}
	return againByPlace(ctx, t, ns, r, path, &body)
}

func againByPlace(ctx context.Context, t *testing.T, ns transport.Transport, r recording, path []string, body *recordedBody) error {
	t.Helper()
	switch path[0] {
	case "state":
		return errOf(report(ctx, ns, transport.Report{StateID: path[1], Outcome: body.outcome(path[2])}))
	case "runs":
		page, size := number(t, path[1]), number(t, path[2])
		runs, err := ns.Runs(ctx, page, size)
		return counted(t, r, "runs", len(runs.Runs), err)
	case "graph":
		switch {
		case len(path) > 2:
			detail, err := ns.State(ctx, path[1], path[3], path[5])
			return counted(t, r, "parents", len(detail.Parents), err)
		case r.Request.Method == http.MethodPut:
			graph, err := ns.PutGraph(ctx, path[1], body.graph(t))
			return counted(t, r, "nodes", len(graph.Nodes), err)
		}
		graph, err := ns.Graph(ctx, path[1])
		return counted(t, r, "nodes", len(graph.Nodes), err)
	}
	t.Fatalf("no call is made by %s %s", r.Request.Method, r.Request.Path)
	return nil
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// counted checks that as many were read as the recorded answer has.
func counted(t *testing.T, r recording, member string, got int, err error) error {
	t.Helper()
	if err != nil {
		return err
	}
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(r.Response.Body, &answer); err != nil {
		t.Fatal(err)
	}
	var list []any
	var object map[string]any
	if json.Unmarshal(answer[member], &list) != nil {
		if err := json.Unmarshal(answer[member], &object); err != nil {
			t.Fatal(err)
		}
	}
	if want := len(list) + len(object); got != want {
		t.Errorf("%d %s, recorded %d", got, member, want)
	}
	return nil
}

// recordedBody is the body of any recorded request.
type recordedBody struct {
	Runtime      string                  `json:"runtime_name"`
	Nodes        json.RawMessage         `json:"nodes"`
	BatchSize    int                     `json:"batch_size"`
	Outputs      []json.RawMessage       `json:"outputs"`
	Error        string                  `json:"error"`
	Data         map[string]any          `json:"data"`
	EnqueueAfter int                     `json:"enqueue_after"`
	FanoutID     string                  `json:"fanout_id"`
	Inputs       map[string]string       `json:"inputs"`
	Store        map[string]string       `json:"store"`
	StartDelay   int                     `json:"start_delay"`
	Secrets      map[string]string       `json:"secrets"`
	Retry        *transport.RetryPolicy  `json:"retry_policy"`
	StoreConfig  transport.StoreConfig   `json:"store_config"`
	Triggers     []transport.CronTrigger `json:"triggers"`
}

func (b *recordedBody) decode(t *testing.T, raw json.RawMessage) {
	t.Helper()
	if err := json.Unmarshal(raw, b); err != nil {
		t.Fatal(err)
	}
}

func (b *recordedBody) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(b.Nodes, v); err != nil {
		t.Fatal(err)
	}
}

func (b *recordedBody) specs(t *testing.T) (specs []transport.NodeSpec) {
	t.Helper()
	b.into(t, &specs)
	return specs
}

func (b *recordedBody) names(t *testing.T) (names []string) {
	t.Helper()
	b.into(t, &names)
	return names
}

func (b *recordedBody) graph(t *testing.T) transport.GraphSpec {
	t.Helper()
	g := transport.GraphSpec{Secrets: b.Secrets, Store: b.StoreConfig, Retry: b.Retry, Triggers: b.Triggers}
	b.into(t, &g.Nodes)
	return g
}

func (b *recordedBody) outcome(route string) transport.Outcome {
	switch route {
	case "executed":
		return transport.Executed{Outputs: b.Outputs}
	case "errored":
		return transport.Errored{Message: b.Error}
	case "prune":
		return transport.Pruned{Data: b.Data}
	default:
		return transport.Requeued{After: time.Duration(b.EnqueueAfter) * time.Millisecond}
	}
}
