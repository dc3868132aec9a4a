package exo

import (
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/draw"
)

// Mermaid draws the graph in Mermaid's flowchart language, which GitHub shows
// in Markdown.
func (g *Graph) Mermaid() string { return draw.Spec(g.name, "", g.Spec("")).Mermaid() }

// DOT draws the graph in the language of Graphviz.
func (g *Graph) DOT() string { return draw.Spec(g.name, "", g.Spec("")).DOT() }

// RunGraph is the states of a run and how they follow one another.
type RunGraph struct{ transport.RunGraph }

// Mermaid draws the run in Mermaid's flowchart language, its states coloured
// by status.
func (g *RunGraph) Mermaid() string { return draw.Run(&g.RunGraph).Mermaid() }

// DOT draws the run in the language of Graphviz, its states coloured by status.
func (g *RunGraph) DOT() string { return draw.Run(&g.RunGraph).DOT() }
