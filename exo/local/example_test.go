package local_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

// A state manager that lives in this process serves this process directly, and
// others over HTTP.
func Example() {
	sm := local.New(local.WithKeepRuns(1000))
	defer func() { _ = sm.Close() }()
	server := httptest.NewServer(sm.Handler("a key"))
	defer server.Close()

	ctx := context.Background()
	here := sm.Namespace("etl")
	there := transport.HTTP{URL: server.URL, APIKey: "a key"}.Namespace("etl")

	text := []byte(`{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}`)
	if err := there.Register(ctx, "worker-1", []transport.NodeSpec{{Name: "Upper", InputsSchema: text, OutputsSchema: text}}); err != nil {
		fmt.Println(err)
		return
	}
	graph := transport.GraphSpec{Nodes: []transport.Placement{
		{Node: "Upper", Namespace: "etl", Identifier: "shout", Inputs: map[string]string{"text": "hello"}},
	}}
	if _, err := here.PutGraph(ctx, "shouting", graph); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := here.Trigger(ctx, "shouting", transport.TriggerSpec{}); err != nil {
		fmt.Println(err)
		return
	}
	states, err := there.Claim(ctx, transport.ClaimRequest{Nodes: []string{"Upper"}, Max: 1, Wait: time.Second})
	for _, s := range states {
		fmt.Println(s.Node, s.Identifier, string(s.Inputs))
	}
	fmt.Println(err)
	// Output:
	// Upper shout {"text":"hello"}
	// <nil>
}
