package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/exospherehost/exo-go/exo/store"
	"github.com/exospherehost/exo-go/exo/transport"
)

// A node is given a context that knows its run; here is one by hand.
func nodeContext() context.Context {
	return store.NewContext(context.Background(), newMemory(map[string]string{"region": "eu"}), "state")
}

func ExampleKey() {
	type Position struct {
		Page int    `json:"page"`
		Row  string `json:"row"`
	}
	position := store.NewKey[Position]("position")

	ctx := nodeContext()
	if err := position.Set(ctx, Position{Page: 3, Row: "a"}); err != nil {
		fmt.Println(err)
	}
	p, ok, err := position.Get(ctx)
	fmt.Println(p.Page, p.Row, ok, err)
	// Output: 3 a true <nil>
}

// A string type is kept as it is, so that the key reads well in placeholders and
// can be what a trigger gave.
func ExampleKey_Get() {
	type Region string
	region, ok, err := store.NewKey[Region]("region").Get(nodeContext())
	fmt.Println(region, ok, err)
	// Output: eu true <nil>
}

// Branches that count together use Update, which no other write can undo.
func ExampleKey_Update() {
	rows := store.NewKey[int]("rows")
	ctx := nodeContext()
	for _, found := range []int{10, 20} {
		total, err := rows.Update(ctx, func(n int, _ bool) (int, error) { return n + found, nil })
		fmt.Println(total, err)
	}
	// Output:
	// 10 <nil>
	// 30 <nil>
}

// Each branch of a fan-out keeps what it found under a key of its own; the step
// that unites them reads all.
func ExampleKey_All() {
	sizes := store.NewKey[int]("sizes")
	ctx := nodeContext()
	for file, size := range map[string]int{"a.txt": 3, "docs/b.txt": 5} { // the branches
		if err := sizes.At(file).Set(ctx, size); err != nil {
			fmt.Println(err)
		}
	}
	all, err := sizes.All(ctx)
	if err != nil {
		fmt.Println(err)
	}
	for _, file := range slices.Sorted(maps.Keys(all)) {
		fmt.Println(file, all[file])
	}
	// Output:
	// a.txt 3
	// docs/b.txt 5
}

func ExampleKey_Delete() {
	region := store.NewKey[string]("region")
	ctx := nodeContext()
	fmt.Println(region.Delete(ctx), region.Delete(ctx))
	_, ok, err := region.Get(ctx)
	fmt.Println(ok, err)
	// Output:
	// <nil> <nil>
	// false <nil>
}

// A node that runs with and without a store goes by the error.
func ExampleKey_Get_unsupported() {
	ctx := store.NewContext(context.Background(), nil, "state")
	_, _, err := store.NewKey[int]("cursor").Get(ctx)
	fmt.Println(errors.Is(err, transport.ErrUnsupported))
	fmt.Println(err)
	// Output:
	// true
	// store: get "cursor": state manager: its transport has no store (read keys by placeholders in a step's inputs, hand values on as outputs, or use a state manager that has the store extension, such as exo/local or exo serve)
}
