// Package exo writes and runs Exosphere nodes.
//
// A node is a Go function from a struct of inputs and a struct of secrets to a
// struct of outputs ([Node], [FanOut]). A graph places nodes as steps and wires
// the outputs of one to the inputs of the next with Go values ([Graph], [Add]).
// A [Runtime] claims the states of its nodes from a state manager and executes
// them; a [StateManager] writes graphs, triggers them and reads their runs.
//
// Both reach a state manager over HTTP, or one in this process: see exo/local.
package exo

import "github.com/exospherehost/exo-go/exo/node"

type (
	// None stands for inputs, outputs or secrets that a node does not have.
	None = node.None

	// JSON is a string field that carries a T encoded as JSON. Make one with
	// [ToJSON], read it with its Value method.
	JSON[T any] = node.JSON[T]

	// Secret is a string that shows itself as [REDACTED] to fmt, zap, slog and
	// encoding/json. Fields of a Sec struct may be strings or Secrets.
	Secret = node.Secret
)
