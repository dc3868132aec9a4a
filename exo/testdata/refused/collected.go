// want "Val[[]string]) as exo.Val[[]int] value"

package main

import "github.com/exospherehost/exo-go/exo"

func main() {
	g := exo.NewGraph("g")
	root := exo.Add(g, "root", split, Line{Text: "a b"})
	exo.Add(g, "sum", sum, Sum{Counts: exo.CollectStrings(root.Out.Word)}, exo.After(root))
}
