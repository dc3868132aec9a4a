package graphfile_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/graphfile"
)

type Sentence struct {
	Text string `json:"text"`
}

var upper = exo.Node("Upper", func(_ context.Context, in Sentence, _ exo.None) (Sentence, error) {
	return Sentence{strings.ToUpper(in.Text)}, nil
})

// A graph travels as a file, and can be read without the types that it was
// built from.
func ExampleParse() {
	g := exo.NewGraph("shouting")
	exo.Add(g, "upper", upper, Sentence{"hello"})
	file, err := g.JSON()
	if err != nil {
		fmt.Println(err)
		return
	}
	name, spec, err := graphfile.Parse(file)
	fmt.Println(name, spec.Nodes[0].Identifier, err)
	fmt.Print(graphfile.Mermaid(name, "demo", spec))
	fmt.Println(strings.HasPrefix(graphfile.DOT(name, "demo", spec), "digraph"))
	// Output:
	// shouting upper <nil>
	// flowchart TD
	//     n0["upper<br/>Upper"]
	// true
}
