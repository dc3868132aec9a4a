package transport

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
)

// HTTP is a state manager at the other end of HTTP: the reference one, exo
// serve, or the Exosphere platform. It is safe for concurrent use while its
// fields are left alone, and prints and encodes without its key.
//
// It follows no redirects, for the key would go along. Answers are bounded to
// 16 MiB. It tries nothing twice, but for what net/http does by itself (calls
// that only read, on a kept connection that the other side has closed): a call
// that got no answer is an [*Error] whose Temporary method reports true, and
// callers decide.
type HTTP struct {
	// URL is where the state manager is, such as "https://exosphere.example.com",
	// with a path if it does not live at the root. User information, a query or
	// a fragment in it make every call fail: the key belongs in APIKey.
	URL string

	// APIKey is sent with every call but that for health, as x-api-key.
	APIKey string

	// Version of the protocol; "v0" when empty.
	Version string

	// Client sends the calls; its Transport is the place for proxies, tracing
	// and faults. nil is one for all HTTP values, with time-outs, TLS 1.2 or
	// newer, HTTP/2, and connections that are kept for 4 seconds, which is less
	// than the reference server keeps them. Waits (protocol.md §13) are kept to
	// half of the client's Timeout, so that no answer is given up that holds
	// states. Its CheckRedirect is not used.
	Client *http.Client
}

// Namespace gives the transport of a namespace. It has every optional ability
// of this package; those that the state manager lacks answer an error that is
// [ErrUnsupported]. What the state manager can do is learnt from its answers
// and remembered by the Transport.
//
// Namespace does no I/O. If a field of h or the name cannot be used, the calls
// of the Transport say so.
func (h HTTP) Namespace(name string) Transport {
	c := h.connect()
	at, err := c.root.join("/", c.version, "/namespace/", name, "")
	if c.err == nil && err != nil {
		c.err = err
	}
	return &namespace{conn: c, name: name, path: at}
}

// Validate says why nothing can be sent with these fields, or nil. It does no
// I/O.
func (h HTTP) Validate() error { return h.connect().err }

type namespacesAnswer struct {
	Namespaces []string `json:"namespaces"`
}

func (a *namespacesAnswer) missing() string { return without(a.Namespaces == nil, "namespaces") }

// Namespaces lists the namespaces of the state manager that hold anything,
// sorted.
func (h HTTP) Namespaces(ctx context.Context) ([]string, error) {
	c := h.connect()
	at, err := c.root.join("/", c.version, "/namespaces")
	answer, err := fetch[namespacesAnswer](ctx, c, call{op: "namespaces", at: at, err: err})
	return answer.Namespaces, err
}

// CloseIdleConnections closes the connections that are kept for later calls.
// With a nil Client these are those of all HTTP values without one.
func (h HTTP) CloseIdleConnections() { h.client().CloseIdleConnections() }

func (h HTTP) client() *http.Client {
	if h.Client != nil {
		return h.Client
	}
	return defaultClient()
}

// String gives the URL and the version, without the key.
func (h HTTP) String() string {
	return fmt.Sprintf("HTTP{URL:%q Version:%q}", presentable(h.URL), h.version())
}

// Format prints what String gives, whatever the verb.
func (h HTTP) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, h.String()) }

// LogValue is what slog shows.
func (h HTTP) LogValue() slog.Value { return slog.StringValue(h.String()) }

// MarshalText gives what String does, which is also what encoding/json shows.
func (h HTTP) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

func (h HTTP) version() string {
	if h.Version == "" {
		return "v0"
	}
	return h.Version
}

// presentable is a URL without the parts that may hold secrets.
func presentable(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "?"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

var (
	_ Provider        = HTTP{}
	_ NamespaceLister = HTTP{}
	_ interface {
		Transport
		Heartbeater
		BatchReporter
		StoreBackend
		Canceler
		RunReader
		TriggerCanceler
		Extender
	} = (*namespace)(nil)
)
