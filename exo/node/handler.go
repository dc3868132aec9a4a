package node

import (
	"context"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A Request is one state on its way to its node.
type Request struct {
	Info    Info
	Inputs  transport.Object
	Secrets transport.Secrets // those that the node declares, at least
}

// A Handler executes a state. What it returns decides what is reported:
// outputs, a signal, or an error.
type Handler func(ctx context.Context, req *Request) ([]transport.Object, error)

// Middleware wraps a Handler. The first of several is the outermost.
type Middleware func(next Handler) Handler
