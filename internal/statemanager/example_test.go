package statemanager_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// The engine is told the time; a graph runs as fast as its states are reported.
func Example() {
	engine := statemanager.New(statemanager.Options{Rand: rand.NewPCG(1, 2)})
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

	text := []byte(`{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}`)
	err := engine.Register(now, "demo", "worker", []transport.NodeSpec{{Name: "Echo", InputsSchema: text, OutputsSchema: text}})
	if err != nil {
		fmt.Println(err)
		return
	}
	graph, err := engine.PutGraph(now, "demo", "hello", transport.GraphSpec{Nodes: []transport.Placement{
		{Node: "Echo", Namespace: "demo", Identifier: "first", Inputs: map[string]string{"text": "hello"}, Next: []string{"second"}},
		{Node: "Echo", Namespace: "demo", Identifier: "second", Inputs: map[string]string{"text": "${{ first.outputs.text }} world"}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(graph.Status)

	run, err := engine.Trigger(now, "demo", "hello", transport.TriggerSpec{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		states := engine.Claim(now, "demo", transport.ClaimRequest{Nodes: []string{"Echo"}, Max: 16})
		if len(states) == 0 {
			break
		}
		for _, s := range states {
			fmt.Printf("%s %s\n", s.Identifier, s.Inputs)
			outcome := transport.Executed{Outputs: []transport.Object{s.Inputs}}
			if _, err := engine.Report(now, "demo", transport.Report{StateID: s.ID, Outcome: outcome}); err != nil {
				fmt.Println(err)
			}
		}
	}
	info, _, err := engine.Run("demo", run)
	fmt.Println(info.Status, info.Success, err)
	// Output:
	// VALID
	// first {"text":"hello"}
	// second {"text":"hello world"}
	// SUCCESS 2 <nil>
}
