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

// A redactor replaces secret values in text that leaves the runtime: as they
// are, and as they appear inside JSON, quoted Go strings, URLs and base64 of
// the whole value. It does not find values that are cut into pieces or
// encrypted. A nil redactor changes nothing.
type redactor struct {
	secrets transport.Secrets

	once     sync.Once
	forms    []string // longest first
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
	// The replacer takes the first match. Longest first hides a secret in full
	// if another secret is a prefix of it.
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

// minEncoded is the length below which the base64 form of a value is likely to
// be part of a word.
const minEncoded = 6

// appendForms appends the forms in which a value may appear.
func appendForms(forms []string, v string) []string {
	forms = append(forms, v)
	if len(v) >= minEncoded {
		forms = append(forms, base64.RawStdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)))
	}
	if !strings.ContainsFunc(v, escaped) {
		return forms // the usual case: the value has only one form
	}
	forms = append(forms, unquoted(strconv.Quote(v)), unquoted(strconv.QuoteToASCII(v)),
		url.QueryEscape(v), url.PathEscape(v), (&url.URL{Path: v}).EscapedPath())
	once := appendJSON(nil, v)
	forms = append(forms, once...)
	for _, text := range once { // also in a response that quotes the request
		forms = appendJSON(forms, text)
	}
	return forms
}

// escaped reports whether some encoding writes c in another form.
func escaped(c rune) bool {
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	return !letter && !strings.ContainsRune("-._~", c)
}

// appendJSON appends the value as it appears inside a JSON string.
func appendJSON(forms []string, v string) []string {
	var text bytes.Buffer
	for _, escapeHTML := range []bool{false, true} {
		text.Reset()
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(escapeHTML)
		if err := encoder.Encode(v); err == nil { // always, for a string
			forms = append(forms, unquoted(strings.TrimSuffix(text.String(), "\n")))
		}
	}
	return forms
}

// unquoted returns s without its quotes.
func unquoted(s string) string { return s[1 : len(s)-1] }

// needed returns r if the outcome shows a secret, since responses to it then
// may, and nil otherwise. The text of an error has been redacted already.
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

// error returns err with secrets replaced in its text. A [*transport.Error]
// stays one.
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

// logger returns l with secrets replaced in its messages and fields.
func (r *redactor) logger(l *zap.Logger) *zap.Logger {
	if r == nil {
		return l
	}
	return l.WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core {
		return &redactingCore{Core: c, redact: r}
	}))
}
