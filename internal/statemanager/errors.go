package statemanager

import (
	"net/http"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/graph"
)

// refused returns the error of a request with these problems, or nil if there
// are none. Callers that report it to a client find the problems in it as
// [graph.Problems].
func refused(op string, problems ...graph.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	err := graph.Problems(problems)
	return &transport.Error{Op: op, Status: http.StatusUnprocessableEntity, Message: clip.To(err.Error(), maxMessage), Err: err}
}

func refuse(op string, status int, message string) *transport.Error {
	return &transport.Error{Op: op, Status: status, Message: clip.To(message, maxMessage)}
}

func notFound(op, message string) *transport.Error {
	return refuse(op, http.StatusNotFound, message)
}

func badRequest(op, message string) *transport.Error {
	return refuse(op, http.StatusBadRequest, message)
}

func conflict(op, message string) *transport.Error {
	return refuse(op, http.StatusConflict, message)
}

const maxMessage = 1 << 10 // the bound on transport.Error.Message
