package httpapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	errTooLarge   = refuse(http.StatusRequestEntityTooLarge, "Request body is larger than 16 MiB")
	errUnreadable = refuse(http.StatusBadRequest, "There was an error parsing the body")
)

func tooLarge(err error) bool { return errors.Is(err, errTooLarge) }

// readBody reads the body into c.body, which is then JSON or empty.
func (c *call) readBody(limit int64) error {
	n := c.request.ContentLength
	if n > limit {
		return errTooLarge
	}
	buf := c.in[:0]
	if n > 0 {
		buf = slices.Grow(buf, int(n)+1) // and room to meet the end
	}
	body := io.LimitReader(c.request.Body, limit+1)
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, 512)
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return errUnreadable
		}
	}
	c.in = buf
	if int64(len(buf)) > limit {
		return errTooLarge
	}
	if !utf8.Valid(buf) {
		return errUnreadable
	}
	// One copy, which all strings that are read out of the body are parts of.
	text := string(buf)
	if text != "" && !isJSON(c.request.Header.Get("Content-Type")) {
		text = quote(text)
	} else if text != "" {
		if at, why := syntaxError(text); why != "" {
			return malformed(at, why)
		}
	}
	c.body = strings.Trim(text, " \t\r\n")
	return nil
}

// isJSON reports whether a body of the content type is read as JSON. One
// without a type is; any other is a text.
func isJSON(contentType string) bool {
	if contentType == "" || contentType == "application/json" {
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	sub, ok := strings.CutPrefix(kind, "application/")
	return ok && (sub == "json" || strings.HasSuffix(sub, "+json"))
}

// fit reads the body into a B, or says what about it does not fit.
func fit[B any](c *call, s shape[B], into *B) error {
	r := reader{extensions: c.extended(), loc: make([]step, 0, 8)}
	r.enter("body")
	if c.body == "" || c.body == "null" {
		r.add("missing", "Field required", "null", nil)
	} else {
		s.read(&r, c.body, into)
	}
	return r.verdict()
}

func (r *reader) verdict() error {
	if len(r.problems) > 0 {
		return unfit(r.problems)
	}
	return nil
}

// An action serves an endpoint.
type action struct {
	body  *schema // nil: the body is not read
	serve func(c *call) error
}

// plain is an action without a body.
func plain(serve func(c *call) error) action { return action{serve: serve} }

// takes is an action with a body.
func takes[B any](s shape[B], serve func(c *call, body *B) error) action {
	return action{body: s.schema, serve: func(c *call) error {
		var body B
		if err := fit(c, s, &body); err != nil {
			return err
		}
		return serve(c, &body)
	}}
}
