package exo

import (
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/internal/wire"
)

// ToJSON encodes v for a [JSON] field, as [encoding/json.Marshal] does.
func ToJSON[T any](v T) (JSON[T], error) { return node.ToJSON(v) }

// Fields is v, a struct such as nodes take, as its map of wire names to
// strings: the inputs and store of a trigger, or the secrets of a graph, for
// example. Every field is in it, empty ones too. Fields panics, listing every
// reason, if a node could not take a T.
func Fields[T any](v T) map[string]string { return must(wire.Compile[T]()).Map(v) }
