package transport

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// Error is an answer of the state manager that is not success, or the lack of
// an answer. What is refused here, before it is sent, has the status that a
// state manager would answer: 400.
type Error struct {
	Op         string        // "claim", "report", …
	Status     int           // the HTTP status, or 0 without an answer
	Message    string        // "detail" of the answer, at most 1 KiB
	RequestID  string        // x-exosphere-request-id
	RetryAfter time.Duration // how long the state manager asks to wait, at most a minute; 0: it does not say
	Err        error         // the cause, if there is one
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

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same call may succeed later: there was no
// answer, or it was 408, 425, 429 or a 5xx other than 501, or something on the
// way has answered in place of the state manager: with a success that could not
// be read, or as in [ErrForeignAnswer].
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

// Is matches the sentinels, by status alone. A foreign answer matches none.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Op == "" && t.Status == e.Status && !e.foreign()
}

func (e *Error) foreign() bool { return errors.Is(e.Err, ErrForeignAnswer) }

// Sentinels for [errors.Is]; they match an [*Error] by its status.
var (
	ErrUnauthorized = &Error{Status: http.StatusUnauthorized, Message: "unauthorized"}
	ErrNotFound     = &Error{Status: http.StatusNotFound, Message: "not found"}
	ErrConflict     = &Error{Status: http.StatusConflict, Message: "conflict"} // also: the lease is lost
	ErrUnsupported  = &Error{Status: http.StatusNotImplemented, Message: "unsupported by this state manager"}
)

// ErrAnswerTooLarge is the cause of an [*Error] for an answer that is larger than
// a transport reads. The call was made, and may have been a success.
var ErrAnswerTooLarge = errors.New("answer too large")

// ErrForeignAnswer is the cause of an [*Error] for a 404 or 405 that does not look
// like a state manager's, all of which give a detail (protocol.md §2). So answers
// an ingress while what is behind it is being replaced: it says nothing of what
// was asked for.
var ErrForeignAnswer = errors.New("not an answer of the state manager")

// IsNotQueued reports whether err is a state manager's refusal of a report
// because the state is under claim no longer (protocol.md §3). To a report that
// is sent again because the first attempt had no answer, it means that the
// first was taken.
func IsNotQueued(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusBadRequest &&
		(strings.HasPrefix(e.Message, "State is not queued") || e.Message == "State is already executed")
}
