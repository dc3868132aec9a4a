package exo

import "github.com/exospherehost/exo-go/exo/graphfile"

// JSON returns the graph as an indented file that [graphfile.Parse] reads, for
// other tools, for reviews and for the command exo graph apply. It fails like
// Validate.
//
// Secrets are written by name, with null in place of their values. Nodes that
// are not [Remote] have no namespace: they take that of the client that writes
// the graph to a state manager.
func (g *Graph) JSON() ([]byte, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	return graphfile.Format(g.name, g.Spec(""))
}
