package exo

import (
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/internal/wire"
)

// Of returns the [Val] that holds v.
func Of[T any](v T) Val[T] { return node.Of(v) }

// Fields returns v, a struct of the kind that nodes take, as a map from wire
// names to texts. Use it for the inputs and store of a trigger and the secrets
// of a graph. The map has every field, including empty ones; an unset [Val]
// becomes the default of its field, or else zero.
//
// Fields panics, listing every reason, if T cannot be the type of a node's
// input, or if the value of a Val has no text: a number that is not finite, or
// a value that encoding/json or the value's own method rejects. Use [TryFields]
// for values that may be invalid.
func Fields[T any](v T) map[string]string { return must(TryFields(v)) }

// TryFields is [Fields] with an error instead of the panic.
func TryFields[T any](v T) (map[string]string, error) {
	codec, err := wire.Compile[T]()
	if err != nil {
		return nil, err
	}
	return codec.Map(v)
}
