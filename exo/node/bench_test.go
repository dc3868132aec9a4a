package node_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

type order struct {
	Tenant string                    `json:"tenant"`
	Region string                    `json:"region"`
	ID     string                    `json:"id"`
	URL    string                    `json:"url"`
	Body   node.Val[json.RawMessage] `json:"body"`
	Limit  string                    `json:"limit"`
	Cursor string                    `json:"cursor"`
	Note   string                    `json:"note"`
}

// One state with 8 inputs and 8 outputs, one secret and a function that does
// nothing: what the node itself costs, and what encoding/json would.
func BenchmarkExecute(b *testing.B) {
	ctx := context.Background()
	req := &node.Request{
		Inputs: transport.Object(`{"tenant":"acme","region":"eu-west-1","id":"u-4821","url":"https://example.com/a/b/c",` +
			`"body":"{\"rows\":[{\"k\":\"v\"},{\"k\":\"w\"}]}","limit":"20","cursor":"c-99","note":"h\u00e9llo\nworld"}`),
		Secrets: transport.Secrets{"key": "k"},
	}
	identity := func(_ context.Context, in order, _ sec) (order, error) { return in, nil }
	n := mustOne(b, identity)
	b.Run("node", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := n.Execute(ctx, req); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("node-parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := n.Execute(ctx, req); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var in order
			if err := json.Unmarshal(req.Inputs, &in); err != nil {
				b.Fatal(err)
			}
			out, err := identity(ctx, in, sec{Key: node.Secret(req.Secrets["key"])})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := json.Marshal([]order{out}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkExecuteFanOut100(b *testing.B) {
	outs := make([]out, 100)
	for i := range outs {
		outs[i] = out{Text: "some words of a text", Note: "n"}
	}
	n := mustMany(b, func(context.Context, node.None, node.None) ([]out, error) { return outs, nil })
	req := &node.Request{Inputs: transport.Object("{}")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Execute(context.Background(), req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDefine(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := node.New("N", echo); err != nil {
			b.Fatal(err)
		}
	}
}
