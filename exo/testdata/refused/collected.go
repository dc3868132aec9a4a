// want "JSON[[]string]) as exo.JSON[[]exo.JSON[int]] value"

package main

import "github.com/exospherehost/exo-go/exo"

func main() {
	g := exo.NewGraph("g")
	root := exo.Add(g, "root", split, Line{Text: "a b"})
	exo.Add(g, "sum", sum, Sum{Counts: exo.Collect(root.Out.Word)}, exo.After(root))
}
