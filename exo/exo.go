// Package exo lets Go programs define and run Exosphere nodes and graphs.
//
// A node is a Go function from a struct of inputs and a struct of secrets to a
// struct of outputs ([Node], [FanOut]). A graph places nodes as steps and
// connects the outputs of one to the inputs of the next with Go values
// ([Graph], [Add]). A [Runtime] claims states of its nodes from a state manager
// and executes them. A [StateManager] writes graphs, triggers them and reads
// their runs.
//
// Both reach a state manager over HTTP, or one in the same process: see
// exo/local.
package exo

import "github.com/exospherehost/exo-go/exo/node"

type (
	// None is the type of inputs, outputs or secrets of a node that has none.
	None = node.None

	// Val is a field that holds a T, such as a number, a time, a list or a
	// struct, in its field V. [Of] returns one. On the wire it is text.
	Val[T any] = node.Val[T]

	// Secret is a string that fmt, zap, slog and encoding/json show as
	// [REDACTED]. Fields of a Sec struct may be strings or Secrets.
	Secret = node.Secret
)
