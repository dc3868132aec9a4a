package httpapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/exospherehost/exo-go/internal/jsontext"
)

var (
	errTooLarge   = refuse(http.StatusRequestEntityTooLarge, "Request body is larger than 16 MiB")
	errUnreadable = refuse(http.StatusBadRequest, "There was an error parsing the body")
)

func tooLarge(err error) bool { return errors.Is(err, errTooLarge) }

// readBody reads the body into c.body.
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
	c.body = string(buf)
	if c.body != "" && !isJSON(c.request.Header.Get("Content-Type")) {
		c.body = quote(c.body)
	}
	return nil
}

// maxNesting is how deep the values of a body may nest. It is far beyond any
// body of the protocol, and keeps a hostile one from deep recursion.
const maxNesting = 1000

// checkBody is an error if the body is not JSON, for callers whom nothing else
// is told of it.
func (c *call) checkBody() error {
	if c.body == "" {
		return nil
	}
	s := jsontext.ScanTo(c.body, maxNesting)
	err := s.Skip()
	if err == nil {
		err = s.End()
	}
	return notJSON(c.body, err)
}

// said are the words that clients of the reference server know for what is wrong
// with a body.
var said = map[jsontext.Problem]string{
	jsontext.WantValue:    "Expecting value",
	jsontext.WantName:     "Expecting property name enclosed in double quotes",
	jsontext.WantColon:    "Expecting ':' delimiter",
	jsontext.WantElement:  "Expecting ',' delimiter",
	jsontext.WantMember:   "Expecting ',' delimiter",
	jsontext.WantEnd:      "Extra data",
	jsontext.Unterminated: "Unterminated string starting at",
	jsontext.Control:      "Invalid control character at",
	jsontext.BadEscape:    `Invalid \escape`,
	jsontext.BadUnicode:   `Invalid \uXXXX escape`,
	jsontext.TooDeep:      "Nested too deep",
}

// notJSON is the response to a body that err says is not JSON, nil if it does not.
// Clients are told where in characters.
func notJSON(body string, err error) error {
	var syntax *jsontext.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	at := utf8.RuneCountInString(body[:syntax.Offset])
	if syntax.Problem == jsontext.BadUnicode {
		at++ // to the u
	}
	return malformed(at, said[syntax.Problem])
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
	r := reader{Scanner: jsontext.ScanTo(c.body, maxNesting), extensions: c.extended(), loc: make([]step, 0, 8)}
	r.enter("body")
	var err error
	if c.body == "" || r.Peek() == 'n' {
		if c.body != "" {
			err = r.Skip()
		}
		r.add("missing", "Field required", "null", nil)
	} else {
		err = s.read(&r, into)
	}
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return notJSON(c.body, err)
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
