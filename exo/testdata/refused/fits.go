package main

import "github.com/exospherehost/exo-go/exo"

func main() {
	g := exo.NewGraph("g")
	root := exo.Add(g, "root", split, Line{Text: "a b"})
	exo.Add(g, "sum", sum, Sum{Counts: exo.Collect(root.Out.Count)}, exo.After(root))
	exo.Add(g, "ints", ints, Ints{Ints: exo.Of([]int{1})}, exo.After(root))
}
