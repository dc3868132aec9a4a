package exotest_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exotest"
	"github.com/google/go-cmp/cmp"
)

type item struct {
	Name  string         `json:"name"`
	Count exo.Val[uint8] `json:"count"`
}

// Typed has a field of every family of values.
type Typed struct {
	Text  string                  `json:"text"`
	N     exo.Val[int]            `json:"n"`
	F     exo.Val[float64]        `json:"f"`
	On    exo.Val[bool]           `json:"on"`
	S     exo.Val[string]         `json:"s"`
	At    exo.Val[time.Time]      `json:"at"`
	Addr  exo.Val[netip.Addr]     `json:"addr"`
	For   exo.Val[time.Duration]  `json:"for"`
	Items exo.Val[[]item]         `json:"items"`
	Map   exo.Val[map[string]int] `json:"map"`
	Ptr   exo.Val[*item]          `json:"ptr"`
	Bytes exo.Val[[]byte]         `json:"bytes"`
	Any   exo.Val[any]            `json:"any"`
}

// Sums is what is collected of them.
type Sums struct {
	N  exo.Val[[]int]       `json:"n"`
	At exo.Val[[]time.Time] `json:"at"`
	In exo.Val[[][]item]    `json:"in"`
}

func typed(n int) Typed {
	return Typed{
		Text: "plain", N: exo.Of(n), F: exo.Of(0.5), On: exo.Of(true), S: exo.Of(`"s"`),
		At: exo.Of(time.Date(2024, 5, n, 10, 0, 0, 0, time.UTC)), Addr: exo.Of(netip.MustParseAddr("10.0.0.1")),
		For: exo.Of(time.Duration(n) * time.Minute), Items: exo.Of([]item{{"a", exo.Of(uint8(n))}}),
		Map: exo.Of(map[string]int{"b": 2, "a": n}), Ptr: exo.Of(&item{Name: "<p>"}), Bytes: exo.Of([]byte("x")), Any: exo.Of[any]([]any{"y", nil}),
	}
}

// values is a graph in which Vals of every family go from a fan-out through a
// remote node to a join.
func values() (g *exo.Graph, sm func(testing.TB) (*exotest.StateManager, *exotest.Calls[Typed, Typed]), work *exo.Step[Typed], sums *exo.Step[Sums]) {
	begin := exo.Node("Begin", func(context.Context, exo.None, exo.None) (exo.None, error) { return exo.None{}, nil })
	cut := exo.FanOut("Cut", func(context.Context, exo.None, exo.None) ([]Typed, error) { return nil, errors.New("not stubbed") })
	remote := exo.Remote[Typed, Typed]("others", "Work")
	sum := exo.Node("Sum", func(_ context.Context, in Sums, _ exo.None) (Sums, error) { return in, nil })
	g = exo.NewGraph("values").Retry(exo.NoRetry())
	b := exo.Add(g, "begin", begin, exo.None{})
	c := exo.Add(g, "cut", cut, exo.None{}, exo.After(b))
	work = exo.Add(g, "work", remote, c.Out, exo.After(c))
	sums = exo.Add(g, "sum", sum, Sums{exo.Collect(work.Out.N), exo.Collect(work.Out.At), exo.Collect(work.Out.Items)}, exo.After(work), exo.Unites(b, exo.AllSuccess))
	return g, func(t testing.TB) (*exotest.StateManager, *exotest.Calls[Typed, Typed]) {
		sm := exotest.NewStateManager(t)
		exotest.StubFanOut(sm, cut, func(context.Context, exo.None, exo.None) ([]Typed, error) { return []Typed{typed(1), typed(2)}, nil })
		return sm, exotest.RemoteStub(sm, remote, func(_ context.Context, in Typed) (Typed, error) {
			in.N = exo.Of(in.N.V + 10)
			return in, nil
		})
	}, work, sums
}

func TestValuesInDoublesAndAssertions(t *testing.T) {
	t.Parallel()
	g, manager, work, sums := values()
	sm, calls := manager(t)
	r := sm.Drive(t, g, exo.TriggerOptions{})
	exotest.WantSuccess(t, r)
	first, second := typed(1), typed(2)
	if d := cmp.Diff([]Typed{first, second}, calls.Inputs()); d != "" {
		t.Error(d)
	}
	first.N, second.N = exo.Of(11), exo.Of(12)
	if d := cmp.Diff([]Typed{first, second}, exotest.Outputs(t, r, work)); d != "" {
		t.Error(d)
	}
	exotest.WantOutputs(t, r, work, first, second)
	exotest.WantOutputs(t, r, sums, Sums{
		exo.Of([]int{11, 12}), exo.Of([]time.Time{first.At.V, second.At.V}), exo.Of([][]item{first.Items.V, second.Items.V}),
	})
	exotest.Golden(t, r, "testdata/values.golden")

	// Each family is compared, and the message shows the value.
	for name, change := range map[string]func(*Typed){
		"12": func(v *Typed) { v.N = exo.Of(0) }, "0.5": func(v *Typed) { v.F = exo.Of(0.25) }, "true": func(v *Typed) { v.On = exo.Of(false) },
		`"s`: func(v *Typed) { v.S = exo.Of("") }, "2024-05-02": func(v *Typed) { v.At = exo.Of(time.Time{}) },
		"10.0.0.1": func(v *Typed) { v.Addr = exo.Val[netip.Addr]{} }, "2m0s": func(v *Typed) { v.For = exo.Of(time.Second) },
		"a": func(v *Typed) { v.Items = exo.Of([]item{}) }, "map": func(v *Typed) { v.Map = exo.Of(map[string]int{}) },
		"<p>": func(v *Typed) { v.Ptr = exo.Val[*item]{} }, "ytes": func(v *Typed) { v.Bytes = exo.Of([]byte{}) }, "y": func(v *Typed) { v.Any = exo.Of[any](nil) },
	} {
		other := second
		change(&other)
		if said := messages(t, func(t testing.TB) { exotest.WantOutputs(t, r, work, first, other) }); !strings.Contains(said, name) {
			t.Errorf("want a message that shows %q, got\n%s", name, said)
		}
	}
}

// A stub whose value has no text fails as the node would.
func TestStubOfAValueWithoutText(t *testing.T) {
	t.Parallel()
	n := exo.Node("N", func(_ context.Context, in Typed, _ exo.None) (Typed, error) { return in, nil })
	g, _ := one(n, typed(1))
	sm := exotest.NewStateManager(t)
	exotest.Stub(sm, n, func(_ context.Context, in Typed, _ exo.None) (Typed, error) {
		in.Any = exo.Of[any](func() {})
		return in, nil
	})
	exotest.WantFailure(t, sm.Drive(t, g.Retry(exo.NoRetry()), exo.TriggerOptions{}), "only", `field "any": encode interface {}: json: unsupported type: func()`)
}
