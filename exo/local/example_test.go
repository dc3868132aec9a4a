package local_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
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

// A stop that loses runs is an error, which says how many.
func ExampleUnfinishedError() {
	sm := local.New()
	ctx, here := context.Background(), sm.Namespace("etl")
	if err := here.Register(ctx, "worker-1", []transport.NodeSpec{{Name: "Nightly"}}); err != nil {
		fmt.Println(err)
		return
	}
	graph := transport.GraphSpec{Nodes: []transport.Placement{{Node: "Nightly", Namespace: "etl", Identifier: "nightly"}}}
	if _, err := here.PutGraph(ctx, "nightly", graph); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := here.Trigger(ctx, "nightly", transport.TriggerSpec{}); err != nil {
		fmt.Println(err)
		return
	}
	err := sm.Close() // though nobody has executed the run
	var unfinished *local.UnfinishedError
	if errors.As(err, &unfinished) {
		fmt.Println(unfinished.Count(), unfinished.Runs["etl"], unfinished.States[0].Node)
	}
	fmt.Println(err)
	// Output:
	// 1 1 Nightly
	// 1 run was not finished and is gone: 1 in namespace "etl"; node "Nightly" in namespace "etl": 1 due
}

// A state manager that others reach, too: Python workers are given a lease, and
// browsers may call it from a dashboard.
func ExampleNew() {
	sm := local.New(
		local.WithDefaultLease(15*time.Minute),
		local.WithKeepRuns(1000),
		local.WithKeepStates(100_000),
		local.WithCORSOrigins("http://localhost:3000"),
		local.WithLogger(zap.NewNop()),
	)
	fmt.Println(sm.Namespaces(context.Background()))
	fmt.Println(sm.Close())

	_, err := sm.Namespaces(context.Background())
	fmt.Println(errors.Is(err, local.ErrClosed))
	// Output:
	// [] <nil>
	// <nil>
	// true
}

// To test code for what it will meet elsewhere: the joins of the reference
// server, and none of our extensions.
func ExampleWithoutExtensions() {
	for _, options := range [][]local.Option{nil, {local.AsReference(), local.WithoutExtensions()}} {
		sm := local.New(options...)
		if e, ok := sm.Namespace("demo").(transport.Extender); ok {
			fmt.Println(e.Extensions(context.Background()))
		}
		if err := sm.Close(); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// [wait lease report store run cancel attempt collect] <nil>
	// [] <nil>
}
