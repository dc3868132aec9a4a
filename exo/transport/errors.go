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
// answer, or it was 408, 425, 429 or a 5xx other than 501, or it was a success
// that could not be read, as when a proxy answers in place of the state manager.
func (e *Error) Temporary() bool {
	switch e.Status {
	case 0, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented:
		return false
	}
	return e.Status >= 500 || e.Status < 300
}

// Is matches the sentinels, by status alone.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Op == "" && t.Status == e.Status
}

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

// IsNotQueued reports whether err is a state manager's refusal of a report
// because the state is under claim no longer (protocol.md §3). To a report that
// is sent again because the first attempt had no answer, it means that the
// first was taken.
func IsNotQueued(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusBadRequest &&
		(strings.HasPrefix(e.Message, "State is not queued") || e.Message == "State is already executed")
}
