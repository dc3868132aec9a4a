package exo

import (
	"fmt"
	"slices"

	"github.com/exospherehost/exo-go/internal/wire"
)

// DeclareStore declares the keys of the graph's store as the fields of T, a
// struct of the kind that nodes take. It returns references to the keys: assign
// its fields to inputs of steps, like those of a step's Out. A trigger must
// give the fields without a default. A field with a default has the value given
// by the trigger, or else the default (protocol.md §7). DeclareStore may be
// called more than once.
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
