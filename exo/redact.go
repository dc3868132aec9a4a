package exo

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const redacted = "[REDACTED]"

// A redactor replaces the values of secrets in text that leaves the runtime:
// as they are, and in the forms that they take inside of JSON, quoted Go
// strings, URLs and base64 of the whole value. It cannot know them cut in
// pieces, or encrypted. A nil redactor knows none and changes nothing.
type redactor struct {
	secrets transport.Secrets

	once     sync.Once
	forms    []string // the longest first
	replacer *strings.Replacer
}

func newRedactor(secrets transport.Secrets) *redactor {
	for _, v := range secrets {
		if v != "" {
			return &redactor{secrets: secrets}
		}
	}
	return nil
}

func (r *redactor) prepare() {
	var forms []string
	for _, v := range r.secrets {
		if v != "" {
			forms = appendForms(forms, v)
		}
	}
	// The replacer takes the first that matches: the longest must come first,
	// so that a secret which begins with another is hidden whole.
	slices.SortFunc(forms, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	r.forms = slices.Compact(forms)
	pairs := make([]string, 0, 2*len(r.forms))
	for _, form := range r.forms {
		pairs = append(pairs, form, redacted)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// minEncoded is the length below which base64 of a value is likely to be part of
// a word.
const minEncoded = 6

// appendForms appends the ways in which a value may show.
func appendForms(forms []string, v string) []string {
	forms = append(forms, v)
	if len(v) >= minEncoded {
		forms = append(forms, base64.RawStdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)))
	}
	if !strings.ContainsFunc(v, escaped) {
		return forms // as most keys do, it looks the same everywhere
	}
	forms = append(forms, unquoted(strconv.Quote(v)), unquoted(strconv.QuoteToASCII(v)),
		url.QueryEscape(v), url.PathEscape(v), (&url.URL{Path: v}).EscapedPath())
	once := appendJSON(nil, v)
	forms = append(forms, once...)
	for _, text := range once { // an answer that quotes what it was sent
		forms = appendJSON(forms, text)
	}
	return forms
}

// escaped reports whether some way of writing a text has another form for c.
func escaped(c rune) bool {
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	return !letter && !strings.ContainsRune("-._~", c)
}

// appendJSON appends what a value looks like inside of a JSON string.
func appendJSON(forms []string, v string) []string {
	var text bytes.Buffer
	for _, escapeHTML := range []bool{false, true} {
		text.Reset()
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(escapeHTML)
		if err := encoder.Encode(v); err == nil { // as it always is for a string
			forms = append(forms, unquoted(strings.TrimSuffix(text.String(), "\n")))
		}
	}
	return forms
}

// unquoted is what stands between the quotes.
func unquoted(s string) string { return s[1 : len(s)-1] }

// needed is r if the outcome shows a secret, as the responses to it then may,
// else nil. The text of an error has been redacted.
func (r *redactor) needed(o transport.Outcome) *redactor {
	if r == nil {
		return nil
	}
	r.once.Do(r.prepare)
	shows := func(text []byte) bool {
		return slices.ContainsFunc(r.forms, func(form string) bool { return bytes.Contains(text, []byte(form)) })
	}
	switch o := o.(type) {
	case transport.Executed:
		if slices.ContainsFunc(o.Outputs, func(output transport.Object) bool { return shows(output) }) {
			return r
		}
	case transport.Pruned:
		if data, err := json.Marshal(o.Data); err != nil || shows(data) {
			return r
		}
	}
	return nil
}

func (r *redactor) text(s string) string {
	if r == nil {
		return s
	}
	r.once.Do(r.prepare)
	return r.replacer.Replace(s)
}

// error is err with the secrets replaced in what it says. An error of a state
// manager stays one.
func (r *redactor) error(err error) error {
	if r == nil || err == nil {
		return err
	}
	said := err.Error()
	clean := r.text(said)
	if clean == said {
		return err
	}
	var e *transport.Error
	if errors.As(err, &e) {
		return &transport.Error{Op: e.Op, Status: e.Status, Message: r.text(e.Message), RequestID: e.RequestID, RetryAfter: e.RetryAfter}
	}
	return errors.New(clean)
}

// logger is l with the secrets replaced in its messages and fields.
func (r *redactor) logger(l *zap.Logger) *zap.Logger {
	if r == nil {
		return l
	}
	return l.WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core {
		return &redactingCore{Core: c, redact: r}
	}))
}
