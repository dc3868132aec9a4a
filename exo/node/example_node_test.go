package node_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

func upper(_ context.Context, in Word, _ node.None) (Word, error) {
	return Word{strings.ToUpper(in.Word)}, nil
}

// New is what exo.Node is made of.
func ExampleNew() {
	n, err := node.New("Upper", upper, node.WithTimeout(time.Minute), node.WithConcurrency(4))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(n.Name(), n.Timeout(), n.Concurrency(), n.FansOut())
	// Output: Upper 1m0s 4 false
}

// A remote node stands in graphs. Its outputs are templates there.
func ExampleNewRemote() {
	n, err := node.NewRemote[Document, Word]("language-team", "Summarise")
	if err != nil {
		fmt.Println(err)
		return
	}
	out := n.OutTemplate(func(field string) string { return "${{ summary.outputs." + field + " }}" })
	fmt.Println(n.Namespace(), n.Name(), out.Word)
	// Output: language-team Summarise ${{ summary.outputs.word }}
}

// Call runs the function alone: a test of what it does.
func ExampleNode_Call() {
	n, err := node.New("Upper", upper)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(n.Call(context.Background(), Word{"hello"}, node.None{}))
	// Output: [{HELLO}] <nil>
}

// What a tool needs that builds graphs.
func ExampleNode_Inputs() {
	type Page struct {
		URL   string             `json:"url"`
		Size  node.Val[int]      `json:"size" jsonschema:"default=20"`
		Links node.Val[[]string] `json:"links"`
	}
	n, err := node.NewRemote[Page, Page]("crawlers", "Fetch")
	if err != nil {
		fmt.Println(err)
		return
	}
	out := n.OutTemplate(func(field string) string { return "${{ first.outputs." + field + " }}" })
	var in node.Input
	for _, in = range n.Inputs(Page{URL: "http://example.com", Links: out.Links}) {
		fmt.Printf("%s: %q\n", in.Name, in.Text)
	}
	// Output:
	// url: "http://example.com"
	// size: "20"
	// links: "${{ first.outputs.links }}"
}

// A Val of a step's outputs refers to what will be there.
func ExamplePlaceholder() {
	sizes := node.Collected[int]("${{ page.outputs.size }}")
	fmt.Println(node.Placeholder(sizes))
	fmt.Println(node.Placeholder(node.Of(20)))
	// Output:
	// ${{ page.outputs.size }} true
	//  false
}

// What a tool needs that builds inputs, and reads outputs.
func ExampleNode_InputFields() {
	n, err := node.New("First", func(_ context.Context, in Document, _ node.None) (Word, error) {
		return Word{strings.Split(in.Text, in.Sep)[0]}, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range n.InputFields() {
		fmt.Printf("%s: required %t, default %q\n", f.Name, f.Required, f.Default)
	}
	fmt.Println(n.InFields(Document{Text: "a,b", Sep: ","}))
	fmt.Println(n.DecodeOutput(transport.Object(`{"word":"a"}`)))
	// Output:
	// text: required true, default ""
	// sep: required false, default " "
	// map[sep:, text:a,b] <nil>
	// {a} <nil>
}

// A DefinitionError lists its reasons.
func ExampleDefinitionError() {
	type Sizes struct {
		Width  int `json:"width"`
		Height int `json:"height"`
	}
	_, err := node.New("Area", func(context.Context, Sizes, node.None) (node.None, error) { return node.None{}, nil })
	var definition *node.DefinitionError
	if errors.As(err, &definition) {
		fmt.Println(definition.Node, "has", len(definition.Problems), "problems")
	}
	// Output: Area has 2 problems
}

// Middleware wraps a handler. It sees what goes in and what comes out, as they
// are on the wire.
func ExampleMiddleware() {
	var counting node.Middleware = func(next node.Handler) node.Handler {
		return func(ctx context.Context, req *node.Request) ([]transport.Object, error) {
			outputs, err := next(ctx, req)
			fmt.Println(req.Info.Identifier, "gave", len(outputs))
			return outputs, err
		}
	}
	n, err := node.New("Upper", upper)
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := counting(n.Execute)
	if _, err := handler(context.Background(), &node.Request{
		Info:   node.Info{Identifier: "shout"},
		Inputs: transport.Object(`{"word":"hello"}`),
	}); err != nil {
		fmt.Println(err)
	}
	// Output: shout gave 1
}

// A test tool says what a node is told by exo.Info.
func ExampleContextWithInfo() {
	ctx := node.ContextWithInfo(context.Background(), &node.Info{Identifier: "shout", Attempt: 1})
	info := node.InfoFromContext(ctx)
	fmt.Println(info.Identifier, info.Attempt)
	// Output: shout 1
}

// A join that asks for all branches finds out which succeeded.
func ExampleBranch() {
	branches := []node.Branch[int]{
		{Index: 0, Step: "halve", Status: transport.StatusSuccess, V: 2},
		{Index: 1, Step: "halve", Status: transport.StatusErrored, Error: "5 is odd"},
	}
	for _, b := range branches {
		if b.Succeeded() {
			fmt.Println(b.V)
		} else {
			fmt.Println(b.Step, b.Error)
		}
	}
	// Output:
	// 2
	// halve 5 is odd
}
