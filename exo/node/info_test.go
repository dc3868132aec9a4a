package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
)

func TestInfoFromContext(t *testing.T) {
	t.Parallel()
	if got := node.InfoFromContext(t.Context()); got != (node.Info{}) {
		t.Errorf("got %+v outside a node", got)
	}
	want := node.Info{StateID: "s", Node: "N", Identifier: "i", Namespace: "ns", Runtime: "r", Graph: "g", RunID: "run", Attempt: 2, CreatedAt: time.Unix(1, 0)}
	ctx, cancel := context.WithCancel(node.ContextWithInfo(t.Context(), &want))
	defer cancel()
	if got := node.InfoFromContext(ctx); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	inner := node.Info{StateID: "t"}
	if got := node.InfoFromContext(node.ContextWithInfo(ctx, &inner)); got != inner {
		t.Errorf("got %+v, want %+v", got, inner)
	}
}
