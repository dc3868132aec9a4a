// want "type Line of Line{…} does not match inferred type Sum"

package main

import "github.com/exospherehost/exo-go/exo"

func main() {
	g := exo.NewGraph("g")
	root := exo.Add(g, "root", split, Line{Text: "a b"})
	exo.Add(g, "sum", sum, Line{Text: "x"}, exo.After(root))
}
