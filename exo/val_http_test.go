package exo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

type (
	Kind   string
	Parcel struct {
		Name  string          `json:"name"`
		Parts []exo.Val[int8] `json:"parts,omitempty"`
	}
	// Values has a field of every family of types.
	Values struct {
		Text   string                    `json:"text"`
		Int    exo.Val[int]              `json:"int"`
		Uint   exo.Val[uint64]           `json:"uint"`
		Float  exo.Val[float64]          `json:"float" jsonschema:"default=0.5"`
		On     exo.Val[bool]             `json:"on,omitempty"`
		String exo.Val[string]           `json:"string"`
		Kind   exo.Val[Kind]             `json:"kind"`
		At     exo.Val[time.Time]        `json:"at"`
		Addr   exo.Val[netip.Addr]       `json:"addr"`
		Big    exo.Val[big.Int]          `json:"big"`
		For    exo.Val[time.Duration]    `json:"for"`
		List   exo.Val[[]string]         `json:"list"`
		Map    exo.Val[map[string][]int] `json:"map"`
		Parcel exo.Val[Parcel]           `json:"parcel"`
		Ptr    exo.Val[*Parcel]          `json:"ptr"`
		Bytes  exo.Val[[]byte]           `json:"bytes"`
		Any    exo.Val[any]              `json:"any"`
	}
	SameValues Values
)

var someValues = Values{
	Text: "plain", Int: exo.Of(-3), Uint: exo.Of[uint64](1 << 63), Float: exo.Of(1.5), On: exo.Of(true),
	String: exo.Of("a \"b\"\n"), Kind: exo.Of(Kind("k")), At: exo.Of(time.Date(2024, 5, 5, 10, 0, 0, 0, time.UTC)),
	Addr: exo.Of(netip.MustParseAddr("::1")), Big: exo.Of(*big.NewInt(99)), For: exo.Of(90 * time.Second),
	List: exo.Of([]string{"a", `"`}), Map: exo.Of(map[string][]int{"k": {1, 2}}),
	Parcel: exo.Of(Parcel{"p", []exo.Val[int8]{exo.Of[int8](7)}}), Ptr: exo.Of(&Parcel{Name: "<q>"}),
	Bytes: exo.Of([]byte("bytes")), Any: exo.Of[any](map[string]any{"x": []any{1.0, nil}}),
}

// What a worker of another language reads.
var someTexts = map[string]string{
	"text": "plain", "int": "-3", "uint": "9223372036854775808", "float": "1.5", "on": "true",
	"string": "a \"b\"\n", "kind": "k", "at": "2024-05-05T10:00:00Z", "addr": "::1", "big": "99", "for": "1m30s",
	"list": `["a","\""]`, "map": `{"k":[1,2]}`, "parcel": `{"name":"p","parts":[7]}`, "ptr": `{"name":"<q>"}`,
	"bytes": `"Ynl0ZXM="`, "any": `{"x":[1,null]}`,
}

// serveHTTP is a state manager on a port, with a client of it. The runtimes that
// serve starts end with the test.
type serveHTTP struct {
	t   *testing.T
	url string
	*exo.StateManager
}

func newServeHTTP(t *testing.T, opts ...local.Option) serveHTTP {
	t.Helper()
	sm := local.New(opts...)
	server := httptest.NewServer(sm.Handler("key"))
	t.Cleanup(func() {
		server.Close()
		if err := sm.Close(); err != nil {
			t.Error(err)
		}
	})
	m, err := exo.NewStateManager("ns", exo.WithURL(server.URL), exo.WithAPIKey("key"), exo.WithRunPollInterval(5*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	return serveHTTP{t, server.URL, m}
}

func (s serveHTTP) serve(nodes []node.Any) {
	s.t.Helper()
	rt, err := exo.NewRuntime("ns", "rt", nodes, exo.WithURL(s.url), exo.WithAPIKey("key"), exo.WithLogger(zap.NewNop()), exo.WithPollInterval(5*time.Millisecond))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- rt.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
	<-rt.Ready()
}

func (s serveHTTP) run(g *exo.Graph) *exo.RunResult {
	s.t.Helper()
	if _, err := s.UpsertGraph(s.t.Context(), g); err != nil {
		s.t.Fatal(err)
	}
	run, err := s.Trigger(s.t.Context(), g.Name(), exo.TriggerOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	result, err := run.Wait(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return result
}

// By a whole struct, converted, and by fields: what arrives is what was given,
// and what travels is plain strings, whatever the server knows.
func TestValuesTravel(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]local.Option{
		"with extensions":    nil,
		"without extensions": {local.WithoutExtensions()},
		"reference rules":    {local.WithoutExtensions(), local.AsReference()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := exo.Node("First", func(_ context.Context, in Values, _ exo.None) (Values, error) { return in, nil })
			second := exo.Node("Second", func(_ context.Context, in SameValues, _ exo.None) (SameValues, error) { return in, nil })
			g := exo.NewGraph("values").Retry(exo.NoRetry())
			a := exo.Add(g, "a", first, someValues)
			b := exo.Add(g, "b", second, SameValues(a.Out), exo.After(a))
			rest := b.Out
			rest.Float, rest.On = exo.Val[float64]{}, exo.Val[bool]{}
			c := exo.Add(g, "c", first, Values(rest), exo.After(b))

			s := newServeHTTP(t, opts...)
			if extensions := extensionsOf(t, s.url); (extensions != "") != (opts == nil) {
				t.Errorf("the server has the extensions %q", extensions)
			}
			s.serve(g.Nodes())
			result := s.run(g)
			if result.Err() != nil {
				t.Fatal(result.Err())
			}
			got, err := exo.Outputs(result, b)
			if d := cmp.Diff([]SameValues{SameValues(someValues)}, got); d != "" || err != nil {
				t.Error(d, err)
			}
			want := someValues
			want.Float, want.On = exo.Of(0.5), exo.Of(false)
			last, err := exo.Outputs(result, c)
			if d := cmp.Diff([]Values{want}, last); d != "" || err != nil {
				t.Error(d, err)
			}
			var texts map[string]string
			if err := json.Unmarshal(result.Step("b")[0].Inputs, &texts); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(someTexts, texts); d != "" {
				t.Error(d)
			}
		})
	}
}

// extensionsOf is what the server says to those who know of extensions.
func extensionsOf(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res.Header.Get("x-exosphere-extensions")
}

// Every property counts as a string by the reference server's reading of schemas
// (protocol.md §6.2).
func TestValuesAreStringsInSchemas(t *testing.T) {
	t.Parallel()
	spec := exo.Node("N", func(_ context.Context, in Values, _ exo.None) (Values, error) { return in, nil }).Spec()
	for _, raw := range []json.RawMessage{spec.InputsSchema, spec.OutputsSchema} {
		var schema struct {
			Properties map[string]map[string]any
			Required   []string
		}
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		if len(schema.Properties) != len(someTexts) {
			t.Errorf("%d properties", len(schema.Properties))
		}
		for name, p := range schema.Properties {
			_, hasDefault := p["default"]
			if p["type"] != "string" || hasDefault == slices.Contains(schema.Required, name) {
				t.Errorf("property %s: %v", name, p)
			}
			for keyword := range p {
				if !slices.Contains([]string{"type", "title", "default", "pattern", "contentMediaType", "contentSchema"}, keyword) {
					t.Errorf("property %s has %s", name, keyword)
				}
			}
		}
	}
}

type (
	Token struct {
		Word string `json:"word"`
	}
	Measured struct {
		Size  exo.Val[int]       `json:"size"`
		Even  exo.Val[bool]      `json:"even"`
		At    exo.Val[time.Time] `json:"at"`
		Runes exo.Val[[]string]  `json:"runes"`
		Word  string             `json:"word"`
	}
	AllMeasured struct {
		Sizes exo.Val[[]int]       `json:"sizes"`
		Even  exo.Val[[]bool]      `json:"even"`
		At    exo.Val[[]time.Time] `json:"at"`
		Runes exo.Val[[][]string]  `json:"runes"`
		Words exo.Val[[]string]    `json:"words"`
	}
)

// A worker of another language knows of strings alone. What it collects from Go
// nodes is a JSON list of the values themselves; and what Go nodes collect of its
// texts are values, too.
func TestCollectAcrossLanguages(t *testing.T) {
	t.Parallel()
	begin := exo.Node("Begin", func(_ context.Context, in Token, _ exo.None) (Token, error) { return in, nil })
	split := exo.FanOut("Split", func(_ context.Context, in Token, _ exo.None) (words []Token, _ error) {
		for w := range strings.FieldsSeq(in.Word) {
			words = append(words, Token{w})
		}
		return words, nil
	})
	at := time.Date(2024, 5, 5, 10, 0, 0, 0, time.UTC)
	measure := exo.Node("Measure", func(_ context.Context, in Token, _ exo.None) (Measured, error) {
		return Measured{exo.Of(len(in.Word)), exo.Of(len(in.Word)%2 == 0), exo.Of(at), exo.Of(strings.Split(in.Word, "")), in.Word}, nil
	})
	gather := exo.Node("Gather", func(_ context.Context, in AllMeasured, _ exo.None) (AllMeasured, error) { return in, nil })
	foreignMeasure := exo.Remote[Token, Measured]("ns", "ForeignMeasure")
	foreignGather := exo.Remote[AllMeasured, Token]("ns", "ForeignGather")
	collect := func(s *exo.Step[Measured]) AllMeasured {
		return AllMeasured{exo.Collect(s.Out.Size), exo.Collect(s.Out.Even), exo.Collect(s.Out.At), exo.Collect(s.Out.Runes), exo.CollectStrings(s.Out.Word)}
	}

	g := exo.NewGraph("languages").Retry(exo.NoRetry())
	b := exo.Add(g, "begin", begin, Token{"ab cde"})
	w := exo.Add(g, "split", split, b.Out, exo.After(b))
	foreign := exo.Add(g, "foreign", foreignMeasure, w.Out, exo.After(w))
	native := exo.Add(g, "native", measure, w.Out, exo.After(foreign))
	all := exo.Add(g, "all", gather, collect(foreign), exo.After(native), exo.Unites(b, exo.AllSuccess))
	exo.Add(g, "foreign-all", foreignGather, collect(native), exo.After(native), exo.Unites(b, exo.AllSuccess))

	s := newServeHTTP(t)
	s.serve([]node.Any{begin, split, measure, gather})
	worker := foreignWorker{t, s.url + "/v0/namespace/ns/", &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	fields := []string{"size", "even", "at", "runes", "word"}
	worker.call(http.MethodPut, "nodes/", map[string]any{
		"runtime_name": "foreign", "runtime_namespace": "ns",
		"nodes": []any{
			map[string]any{"name": "ForeignMeasure", "namespace": "ns", "inputs_schema": plainSchema("word"), "outputs_schema": plainSchema(fields...), "secrets": []string{}},
			map[string]any{"name": "ForeignGather", "namespace": "ns", "inputs_schema": plainSchema("sizes", "even", "at", "runes", "words"), "outputs_schema": plainSchema("word"), "secrets": []string{}},
		},
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		worker.work(3, map[string]func(map[string]string) map[string]string{
			"ForeignMeasure": func(in map[string]string) map[string]string {
				runes, err := json.Marshal(strings.Split(in["word"], ""))
				if err != nil {
					t.Error(err)
				}
				return map[string]string{
					"size": fmt.Sprintf("%03d", len(in["word"])), "even": map[bool]string{true: "True", false: "False"}[len(in["word"])%2 == 0],
					"at": "2024-05-05T10:00:00.000Z", "runes": string(runes), "word": in["word"],
				}
			},
			"ForeignGather": func(in map[string]string) map[string]string {
				if d := cmp.Diff(map[string]string{
					"sizes": "[2,3]", "even": "[true,false]", "at": `["2024-05-05T10:00:00Z","2024-05-05T10:00:00Z"]`,
					"runes": `[["a","b"],["c","d","e"]]`, "words": `["ab","cde"]`,
				}, in); d != "" {
					t.Errorf("the other language collects (-want +got):\n%s", d)
				}
				return map[string]string{"word": "done"}
			},
		})
	}()
	result := s.run(g)
	<-done
	if result.Err() != nil {
		t.Fatal(result.Err())
	}
	got, err := exo.Outputs(result, all)
	if d := cmp.Diff([]AllMeasured{{
		exo.Of([]int{2, 3}), exo.Of([]bool{true, false}), exo.Of([]time.Time{at, at}),
		exo.Of([][]string{{"a", "b"}, {"c", "d", "e"}}), exo.Of([]string{"ab", "cde"}),
	}}, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

// plainSchema is one of strings, as pydantic writes it.
func plainSchema(fields ...string) map[string]any {
	properties := make(map[string]any)
	for _, f := range fields {
		properties[f] = map[string]string{"title": f, "type": "string"}
	}
	return map[string]any{"title": "Model", "type": "object", "properties": properties, "required": fields}
}

// A foreignWorker speaks the protocol without any of the SDK.
type foreignWorker struct {
	t      *testing.T
	url    string
	client *http.Client
}

func (w foreignWorker) call(method, path string, body any) []byte {
	w.t.Helper()
	answer, err := w.try(method, path, body)
	if err != nil {
		w.t.Errorf("%s %s: %v", method, path, err)
	}
	return answer
}

func (w foreignWorker) try(method, path string, body any) ([]byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("x-api-key", "key")
	req.Header.Set("Content-Type", "application/json")
	res, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, answer)
	}
	return answer, err
}

// work executes n states.
func (w foreignWorker) work(n int, nodes map[string]func(map[string]string) map[string]string) {
	for n > 0 && !w.t.Failed() {
		var claim struct {
			States []struct {
				StateID string            `json:"state_id"`
				Node    string            `json:"node_name"`
				Inputs  map[string]string `json:"inputs"`
			}
		}
		answer := w.call(http.MethodPost, "states/enqueue", map[string]any{"nodes": []string{"ForeignMeasure", "ForeignGather"}, "batch_size": 16, "wait_ms": 10000})
		if err := json.Unmarshal(answer, &claim); err != nil {
			w.t.Error(err)
		}
		for _, state := range claim.States {
			out := nodes[state.Node](state.Inputs)
			w.call(http.MethodPost, "state/"+state.StateID+"/executed", map[string]any{"outputs": []any{out}})
			n--
		}
	}
}
