package exo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

type (
	Values struct {
		N    exo.Val[int]               `json:"n"`
		F    exo.Val[float64]           `json:"f" jsonschema:"default=0.5"`
		On   exo.Val[bool]              `json:"on,omitempty"`
		At   exo.Val[time.Time]         `json:"at"`
		For  exo.Val[time.Duration]     `json:"for"`
		List exo.Val[[]string]          `json:"list"`
		Map  exo.Val[map[string]string] `json:"map"`
	}
	SameValues Values
)

var someValues = Values{
	N: exo.Of(3), F: exo.Of(1.5), On: exo.Of(true), At: exo.Of(time.Date(2024, 5, 5, 10, 0, 0, 0, time.UTC)),
	For: exo.Of(90 * time.Second), List: exo.Of([]string{"a", `"`}), Map: exo.Of(map[string]string{"k": "v"}),
}

// By a whole struct, converted, and by fields: what arrives is what was given,
// and what travels is plain strings. Also by HTTP, to a server without
// extensions.
func TestValuesTravel(t *testing.T) {
	t.Parallel()
	first := exo.Node("First", func(_ context.Context, in Values, _ exo.None) (Values, error) { return in, nil })
	second := exo.Node("Second", func(_ context.Context, in SameValues, _ exo.None) (SameValues, error) { return in, nil })
	g := exo.NewGraph("values").Retry(exo.NoRetry())
	a := exo.Add(g, "a", first, someValues)
	b := exo.Add(g, "b", second, SameValues(a.Out), exo.After(a))
	c := exo.Add(g, "c", first, Values{N: b.Out.N, At: b.Out.At, For: b.Out.For, List: b.Out.List, Map: b.Out.Map}, exo.After(b))
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}

	sm := local.New()
	defer func() { _ = sm.Close() }()
	server := httptest.NewServer(sm.Handler("key"))
	defer server.Close()
	options := exo.WithURL(server.URL)
	rt, err := exo.NewRuntime("ns", "rt", g.Nodes(), options, exo.WithAPIKey("key"), exo.WithLogger(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = rt.Run(t.Context()) }()
	defer func() { _ = rt.Shutdown(context.WithoutCancel(t.Context())) }()
	<-rt.Ready()
	m, err := exo.NewStateManager("ns", options, exo.WithAPIKey("key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.UpsertGraph(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	run, err := m.Trigger(t.Context(), "values", exo.TriggerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := run.Wait(t.Context())
	if err != nil || result.Err() != nil {
		t.Fatal(err, result.Err())
	}
	got, err := exo.Outputs(result, b)
	if d := cmp.Diff([]SameValues{SameValues(someValues)}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	want := someValues
	want.F, want.On = exo.Of(0.5), exo.Of(false)
	last, err := exo.Outputs(result, c)
	if d := cmp.Diff([]Values{want}, last); d != "" || err != nil {
		t.Error(d, err)
	}
	// What a worker of another language reads.
	var strings map[string]string
	if err := json.Unmarshal(result.Step("b")[0].Inputs, &strings); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{
		"n": "3", "f": "1.5", "on": "true", "at": "2024-05-05T10:00:00Z", "for": "1m30s", "list": `["a","\""]`, "map": `{"k":"v"}`,
	}, strings); d != "" {
		t.Error(d)
	}
}

// A text that does not fit fails the state for good, before the node is called,
// and shows no secret, not even where the text is cut.
func TestUnfitValueFailsTheState(t *testing.T) {
	t.Parallel()
	const secret = "a-secret-of-some-length"
	called := false
	n := exo.Node("N", func(_ context.Context, _ Total, _ key) (exo.None, error) {
		called = true
		return exo.None{}, nil
	})
	for _, before := range []int{0, 85, 99} {
		g := exo.NewGraph("g").Secrets(exo.Fields(key{secret})) // three retries, by default
		exo.Add(g, "n", n, Total{})
		result := drive(g, exo.TriggerOptions{Inputs: map[string]string{"total": strings.Repeat("x", before) + secret}})
		states := result.Step("n")
		if len(states) != 1 || states[0].Status != transport.StatusErrored || called {
			t.Fatalf("got %+v, called %v", states, called)
		}
		text := states[0].Error
		if !strings.HasPrefix(text, `decode inputs: field "total": "`) || !strings.Contains(text, `" is not a valid int: invalid syntax`) {
			t.Errorf("got %s", text)
		}
		if strings.Contains(text, "a-s") {
			t.Errorf("%s shows the secret", text)
		}
	}
}

func TestValPrintsAndCompares(t *testing.T) {
	t.Parallel()
	v := exo.Of(map[string]int{"a": 1})
	for format, want := range map[string]string{"%v": "map[a:1]", "%+v": "map[a:1]", "%#v": `map[string]int{"a":1}`} {
		if got := fmt.Sprintf(format, v); got != want {
			t.Errorf("%s: %s, want %s", format, got, want)
		}
	}
	utc := time.Date(2024, 5, 5, 10, 0, 0, 0, time.UTC)
	if !exo.Of(utc).Equal(exo.Of(utc.In(time.FixedZone("", 3600)))) || exo.Of(1).Equal(exo.Of(2)) || !exo.Of(0).Equal(exo.Val[int]{}) {
		t.Error("Equal")
	}
	if text, ok := node.Placeholder(exo.Collect(exo.Of(1))); text != "" || !ok {
		t.Errorf("Collect of a value: %q, %v", text, ok)
	}
	if text, err := json.Marshal(struct{ N exo.Val[int] }{exo.Of(5)}); string(text) != `{"N":5}` || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}
