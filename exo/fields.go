package exo

import (
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/internal/wire"
)

// Of is the [Val] that holds v.
func Of[T any](v T) Val[T] { return node.Of(v) }

// Fields is v, a struct such as nodes take, as its map of wire names to
// texts: the inputs and store of a trigger, or the secrets of a graph, for
// example. Every field is in it, empty ones too; a [Val] that nobody has set is
// the default of its field, or else zero.
//
// Fields panics, listing every reason, if a node could not take a T, and if the
// value of a Val has no text: a number that is not finite, or what encoding/json
// or the value's own method refuses. See [TryFields] for values that are not
// known to be good.
func Fields[T any](v T) map[string]string { return must(TryFields(v)) }

// TryFields is [Fields] with an error in place of the panic.
func TryFields[T any](v T) (map[string]string, error) {
	codec, err := wire.Compile[T]()
	if err != nil {
		return nil, err
	}
	return codec.Map(v)
}
