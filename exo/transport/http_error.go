package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// refused returns the error of a call that is not sent.
func refused(op string, err error) *Error {
	return &Error{Op: op, Status: http.StatusBadRequest, Message: cut(err.Error()), Err: err}
}

// unanswered returns the error of a call without a complete response.
func (c *conn) unanswered(ctx context.Context, op, id string, err error) *Error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, which the message has already
	}
	// net/http may return only the cause of the context's end.
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	return &Error{Op: op, RequestID: id, Message: c.clean("no response from " + c.address() + ": " + err.Error()), Err: err}
}

// unreadable returns the error of a success whose body is malformed.
func (c *conn) unreadable(k call, id string, status int, body []byte, err error) *Error {
	message := "cannot read the response: " + err.Error()
	if !k.private {
		message += ": " + c.oneLine(body)
	}
	return &Error{Op: k.op, Status: status, RequestID: id, Message: c.clean(message), Err: err}
}

// declined returns the error of a response that is not a success.
func (c *conn) declined(k call, id string, resp *http.Response, body []byte) *Error {
	e := &Error{Op: k.op, Status: resp.StatusCode, RequestID: id, RetryAfter: retryAfter(resp.Header)}
	if resp.StatusCode < 400 {
		e.Message = "redirected to " + presentable(resp.Header.Get("Location")) +
			": redirects are not followed, because the API key would be sent along; correct HTTP.URL"
		e.Message = c.clean(e.Message)
		return e
	}
	noRoute := resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed
	detail, ok := c.readDetail(body)
	if !ok {
		if noRoute {
			e.Err = ErrForeignAnswer
		}
		detail = strings.TrimSpace(strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode))
		if text := c.oneLine(body); text != "" {
			detail += ": " + text
		}
	}
	// A refusal shows that there are no extensions only if the lack of one may
	// be its reason. Other refusals may come from a proxy, and a claim made
	// without a lease strands its states if its response is lost.
	if ok && noRoute {
		c.learn(resp.Header, true)
	}
	e.Message = c.clean(detail)
	return e
}

// readDetail returns the "detail" of a response in one of the shapes of
// protocol.md §2.
func (c *conn) readDetail(body []byte) (string, bool) {
	var answer struct {
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Detail) == 0 {
		return "", false
	}
	return c.detailText(answer.Detail), true
}

// detailText formats a "detail": a text as is, or a list of invalid fields as
// "body.nodes.0.secrets: Field required; …". It leaves out the values given,
// since they may be secret.
func (c *conn) detailText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var fields []struct {
		Loc []any  `json:"loc"`
		Msg string `json:"msg"`
	}
	if json.Unmarshal(raw, &fields) != nil || len(fields) == 0 {
		return c.oneLine(raw)
	}
	var b strings.Builder
	for i, f := range fields {
		if b.Len() > maxMessage {
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		for j, at := range f.Loc {
			if j > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, at)
		}
		if len(f.Loc) > 0 {
			b.WriteString(": ")
		}
		b.WriteString(f.Msg)
	}
	return b.String()
}

// oneLine returns the beginning of a body that is not a state manager's, made
// fit for display.
func (c *conn) oneLine(body []byte) string {
	if c.redacts() {
		body = bytes.ReplaceAll(body, []byte(c.key), []byte(redacted))
	}
	body = bytes.TrimSpace(body)
	if len(body) > maxMessage {
		body = body[:maxMessage]
	}
	text := strings.ToValidUTF8(string(body), "\ufffd")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}

// minRedacted is the length below which a key is likely to be part of a word
// rather than a secret.
const minRedacted = 8

func (c *conn) redacts() bool { return len(c.key) >= minRedacted }

// clean removes the API key from a message, in case a proxy has echoed it, and
// limits its length.
func (c *conn) clean(message string) string {
	if c.redacts() {
		message = strings.ReplaceAll(message, c.key, redacted)
	}
	return cut(message)
}

// cut limits the length of a message without splitting a rune.
func cut(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	n := maxMessage
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// maxRetryAfter limits how long a state manager can make callers wait.
const maxRetryAfter = time.Minute

// retryAfter reads the Retry-After header: seconds, or a date, relative to the
// date of the response if it has one.
func retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds > int(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
