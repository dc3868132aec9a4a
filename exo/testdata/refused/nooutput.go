// want "root.Out.Gone undefined"

package main

import "github.com/exospherehost/exo-go/exo"

func main() {
	g := exo.NewGraph("g")
	root := exo.Add(g, "root", split, Line{Text: "a b"})
	exo.Add(g, "again", split, Line{Text: root.Out.Gone}, exo.After(root))
}
