package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

type (
	Document struct {
		Text string `json:"text" jsonschema:"description=What to split"`
		Sep  string `json:"sep" jsonschema:"default= "`
	}
	Word struct {
		Word string `json:"word"`
	}
)

func ExampleNewFanOut() {
	split, err := node.NewFanOut("Split", func(_ context.Context, in Document, _ node.None) ([]Word, error) {
		return []Word{{in.Text[:1]}, {in.Text[1:] + in.Sep}}, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// This is what a runtime does with a state.
	words, err := split.Execute(context.Background(), &node.Request{
		Inputs: transport.Object(`{"text": "ab", "sep": "!"}`),
	})
	for _, word := range words {
		fmt.Println(string(word))
	}
	fmt.Println(err)
	fmt.Println(string(split.Spec().InputsSchema))
	// Output:
	// {"word":"a"}
	// {"word":"b!"}
	// <nil>
	// {"properties":{"text":{"type":"string","title":"Text","description":"What to split"},"sep":{"type":"string","title":"Sep","default":" "}},"type":"object","required":["text"],"title":"Inputs"}
}

// All that is wrong with a definition comes at once.
func ExampleNewFanOut_unfit() {
	type Order struct {
		Amount int    `json:"amount"`
		State  string `json:"state" jsonschema:"enum=open,enum=paid"`
	}
	_, err := node.NewFanOut("Bill ", func(context.Context, Order, node.None) ([]node.None, error) { return nil, nil })
	fmt.Println(err)
	// Output:
	// node "Bill " has 3 problems:
	// 	the name "Bill " begins or ends with white space, which state managers trim: remove it
	// 	inputs node_test.Order: field Amount: is int, want a string or an exo.Val: use exo.Val[int]
	// 	inputs node_test.Order: field State: has an enum, which state managers do not take for a string: use pattern=^(open|paid)$
}

// What is no string travels as text, and is a value in Go.
func ExampleVal() {
	type Trip struct {
		Seats  node.Val[int]           `json:"seats"`
		Start  node.Val[time.Time]     `json:"start"`
		Lasts  node.Val[time.Duration] `json:"lasts"`
		Places node.Val[[]string]      `json:"places"`
	}
	book, err := node.New("Book", func(_ context.Context, in Trip, _ node.None) (Trip, error) {
		in.Seats.V--
		in.Start = node.Of(in.Start.V.Add(in.Lasts.V))
		return in, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	outputs, err := book.Execute(context.Background(), &node.Request{Inputs: transport.Object(
		`{"seats":"4","start":"2024-05-05T10:00:00Z","lasts":"1h30m","places":"[\"Oslo\"]"}`,
	)})
	fmt.Println(string(outputs[0]), err)

	_, err = book.Execute(context.Background(), &node.Request{Inputs: transport.Object(
		`{"seats":"four","start":"2024-05-05T10:00:00Z","lasts":"1h30m","places":"[]"}`,
	)})
	fmt.Println(err)
	// Output:
	// {"seats":"3","start":"2024-05-05T11:30:00Z","lasts":"1h30m0s","places":"[\"Oslo\"]"} <nil>
	// decode inputs: field "seats": "four" is not a valid int: invalid syntax
}

// In JSON, a Val is its value.
func ExampleVal_UnmarshalJSON() {
	var sizes []node.Val[int]
	fmt.Println(json.Unmarshal([]byte("[1,2]"), &sizes), sizes[1].V)
	text, err := json.Marshal(sizes)
	fmt.Println(string(text), err)
	// Output:
	// <nil> 2
	// [1,2] <nil>
}

func ExampleOf() {
	a, b := node.Of(42), node.Val[int]{V: 42}
	fmt.Println(a, a.V, a.Equal(b))
	// Output: 42 42 true
}

func ExampleSecret() {
	type Credentials struct {
		User string
		Key  node.Secret
	}
	c := Credentials{"ada", "sk-123"}
	fmt.Printf("%v %+v %q\n", c, c, c.Key)
	text, err := json.Marshal(c)
	fmt.Println(string(text), err)
	fmt.Println(len(c.Key.Reveal()))
	// Output:
	// {ada [REDACTED]} {User:ada Key:[REDACTED]} [REDACTED]
	// {"User":"ada","Key":"[REDACTED]"} <nil>
	// 6
}

// A node ends its branch, or asks for a later turn, by an error of a type of its
// own.
func ExamplePruneSignal() {
	poll := func(ready, wanted bool) error {
		switch {
		case !wanted:
			return &node.PruneSignal{Data: map[string]any{"reason": "nobody waits for it"}}
		case !ready:
			return &node.RequeueSignal{After: time.Minute}
		}
		return nil
	}
	for _, err := range []error{poll(false, false), poll(false, true), poll(true, true)} {
		var prune *node.PruneSignal
		var requeue *node.RequeueSignal
		switch {
		case errors.As(err, &prune):
			fmt.Println("pruned:", prune.Data["reason"])
		case errors.As(err, &requeue):
			fmt.Println("again in", requeue.After)
		default:
			fmt.Println("executed:", err)
		}
	}
	// Output:
	// pruned: nobody waits for it
	// again in 1m0s
	// executed: <nil>
}

func ExamplePermanent() {
	errNoSuchPage := errors.New("no such page")
	err := fmt.Errorf("fetch: %w", node.Permanent(errNoSuchPage))
	fmt.Println(err)
	fmt.Println(node.IsPermanent(err), errors.Is(err, errNoSuchPage), node.IsPermanent(errNoSuchPage))
	// Output:
	// fetch: no such page
	// true true false
}
