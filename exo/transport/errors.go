package transport

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// Error is an error response of the state manager, or the lack of a response. A
// call that the client refuses to send has the status of the corresponding
// response, 400.
type Error struct {
	Op         string        // "claim", "report", …
	Status     int           // the HTTP status, or 0 if there was no response
	Message    string        // the "detail" of the response, at most 1 KiB
	RequestID  string        // the x-exosphere-request-id of the call
	RetryAfter time.Duration // how long the state manager asks to wait, at most a minute; 0 if it does not say
	Err        error         // the cause, or nil
}

func (e *Error) Error() string {
	s := e.Op
	if s == "" {
		s = "state manager"
	}
	s += ": " + e.Message
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same call may succeed later: there was no
// response; the status is 408, 425, 429 or a 5xx other than 501; or a proxy
// responded in place of the state manager, with a success that cannot be read
// or as in [ErrForeignAnswer].
func (e *Error) Temporary() bool {
	if e.foreign() {
		return true
	}
	switch e.Status {
	case 0, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented:
		return false
	}
	return e.Status >= 500 || e.Status < 300
}

// Is matches the sentinels by status alone. A foreign response matches none.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Op == "" && t.Status == e.Status && !e.foreign()
}

func (e *Error) foreign() bool { return errors.Is(e.Err, ErrForeignAnswer) }

// Sentinels for [errors.Is]. They match an [*Error] by its status.
var (
	ErrUnauthorized = &Error{Status: http.StatusUnauthorized, Message: "unauthorized"}
	ErrNotFound     = &Error{Status: http.StatusNotFound, Message: "not found"}
	ErrConflict     = &Error{Status: http.StatusConflict, Message: "conflict"} // also for a lost lease
	ErrUnsupported  = &Error{Status: http.StatusNotImplemented, Message: "unsupported by this state manager"}
)

// ErrAnswerTooLarge is the cause of an [*Error] for a response that is larger
// than a transport reads. The call was made and may have succeeded.
var ErrAnswerTooLarge = errors.New("response too large")

// ErrForeignAnswer is the cause of an [*Error] for a 404 or 405 response
// without the detail that every state manager gives (protocol.md §2). A proxy
// responds so while the server behind it is being replaced. The response says
// nothing about what the call asked for.
var ErrForeignAnswer = errors.New("not a response of the state manager")

// IsNotQueued reports whether a state manager refused a report because the
// state is no longer claimed (protocol.md §3). If the report was sent again
// because the first attempt had no response, this means that the first was
// accepted.
func IsNotQueued(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusBadRequest &&
		(strings.HasPrefix(e.Message, "State is not queued") || e.Message == "State is already executed")
}
