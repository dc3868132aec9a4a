package exo

import (
	"fmt"
	"slices"

	"github.com/exospherehost/exo-go/internal/wire"
)

// DeclareStore declares the keys of the graph's store as the fields of T, a
// struct such as nodes take, and returns references to them: assign its fields
// to inputs of steps, as those of a step's Out. A field without a default must be given by the trigger;
// one with a default is what the trigger gives, or else its default
// (protocol.md §7). Called more than once, the keys add up.
func DeclareStore[T any](g *Graph) T {
	c, err := wire.Compile[T]()
	if err != nil {
		g.mistakes = append(g.mistakes, fmt.Sprintf("store: %v", err))
		var zero T
		return zero
	}
	for _, f := range c.Fields() {
		_, declared := g.store.DefaultValues[f.Name]
		switch {
		case declared || slices.Contains(g.store.RequiredKeys, f.Name):
			g.mistakes = append(g.mistakes, fmt.Sprintf("store: key %q is declared twice", f.Name))
		case f.Required:
			g.store.RequiredKeys = append(g.store.RequiredKeys, f.Name)
		default:
			if g.store.DefaultValues == nil {
				g.store.DefaultValues = make(map[string]string)
			}
			g.store.DefaultValues[f.Name] = f.Default
		}
	}
	return c.Fill(storeReference)
}
