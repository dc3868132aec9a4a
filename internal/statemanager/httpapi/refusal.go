package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// refuse is an error that is reported with the status and text given.
func refuse(status int, detail string) error {
	return &transport.Error{Status: status, Message: detail}
}

// unfit is the response to a body that does not fit.
func unfit(p problems) error {
	return &transport.Error{Status: http.StatusUnprocessableEntity, Message: p.Error(), Err: p}
}

// malformed is the response to a body that is not JSON.
func malformed(at int, why string) error {
	return unfit(problems{{
		Type: "json_invalid", Loc: []any{"body", at}, Msg: "JSON decode error",
		Input: json.RawMessage(`{}`), Ctx: map[string]any{"error": why},
	}})
}

// internalError is all that a client is told of an internal fault.
const internalError = `{"success":false,"detail":"internal server error"}`

// appendRefusal appends the response for err, and gives its status (protocol.md
// §2). It reports false for a fault that is ours, of which nothing is told.
func appendRefusal(dst []byte, err error) (answer []byte, status int, told bool) {
	var e *transport.Error
	if !errors.As(err, &e) || e.Status == 0 || e.Status == http.StatusInternalServerError {
		return append(dst, internalError...), http.StatusInternalServerError, false
	}
	dst = append(dst, `{"detail":`...)
	return append(appendDetail(dst, e), '}'), e.Status, true
}

// appendDetail appends why something was refused: a list of problems with
// fields, or a text.
func appendDetail(dst []byte, e *transport.Error) []byte {
	var list problems
	if found := graph.Problems(nil); errors.As(e.Err, &found) {
		list = inWords(found)
	} else if !errors.As(e.Err, &list) {
		return jsontext.AppendString(dst, e.Message)
	}
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendProblem(dst, &list[i])
	}
	return append(dst, ']')
}

func appendProblem(dst []byte, p *problem) []byte {
	dst = append(dst, `{"type":`...)
	dst = jsontext.AppendString(dst, p.Type)
	dst = append(dst, `,"loc":`...)
	dst = appendJSON(dst, orEmptyList(p.Loc))
	dst = append(dst, `,"msg":`...)
	dst = jsontext.AppendString(dst, p.Msg)
	dst = append(dst, `,"input":`...)
	dst = appendJSON(dst, p.Input)
	if p.Ctx != nil {
		dst = append(dst, `,"ctx":`...)
		dst = appendJSON(dst, p.Ctx)
	}
	return append(dst, '}')
}

// appendJSON appends v as encoding/json writes it; null if it cannot.
func appendJSON(dst []byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return append(dst, `null`...)
	}
	return append(dst, b...)
}
