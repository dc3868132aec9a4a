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

	// Val is a field that holds a T: a number, a time, a list, a struct, by its
	// field V. Make one with [Of]. On the wire it is text.
	Val[T any] = node.Val[T]

	// Secret is a string that shows itself as [REDACTED] to fmt, zap, slog and
	// encoding/json. Fields of a Sec struct may be strings or Secrets.
	Secret = node.Secret
)
