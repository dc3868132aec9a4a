package exo

import (
	"context"
	"testing"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// The runtime vouches for what a node's codec has made, and for nothing that
// middleware may have.
func TestOutputsOfMiddlewareAreChecked(t *testing.T) {
	t.Parallel()
	echo := Node("Echo", func(context.Context, struct{}, None) (struct{}, error) { return struct{}{}, nil })
	forge := func(node.Handler) node.Handler {
		return func(context.Context, *node.Request) ([]transport.Object, error) {
			return []transport.Object{transport.Object(`{"a":`)}, nil
		}
	}
	for _, tt := range []struct {
		options []RuntimeOption
		want    bool
	}{{nil, true}, {[]RuntimeOption{WithMiddleware(forge)}, false}} {
		r, err := NewRuntime("ns", "r", []node.Any{echo}, append(tt.options, WithURL("http://127.0.0.1:1"))...)
		if err != nil {
			t.Fatal(err)
		}
		_, wire, _ := r.outcomeOf(&execution{node: r.nodes["Echo"]}, []transport.Object{transport.Object(`{}`)}, nil)
		if got := wire.(transport.Executed); got.Checked != tt.want {
			t.Errorf("%d options: checked %t", len(tt.options), got.Checked)
		}
	}
}
