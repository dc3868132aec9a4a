package transport

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
)

// HTTP connects to a state manager over HTTP: the reference server, exo serve,
// or the Exosphere platform. It is safe for concurrent use as long as its
// fields do not change. Printing or encoding it does not show the API key.
//
// It does not follow redirects, because the API key would be sent along. It
// reads at most 16 MiB of a response. It does not retry, except that net/http
// repeats a read-only call on a kept connection that the other side has closed.
// A call without a response returns an [*Error] whose Temporary method reports
// true; the caller decides whether to repeat it.
type HTTP struct {
	// URL is the address of the state manager, such as
	// "https://exosphere.example.com", with a path if it is not at the root.
	// Every call fails if it has user information, a query or a fragment: the
	// key belongs in APIKey.
	URL string

	// APIKey is sent as x-api-key with every call except health checks.
	APIKey string

	// Version is the version of the protocol. Empty means "v0".
	Version string

	// Client sends the calls. Its Transport is the place for proxies, tracing
	// and fault injection. nil means a client shared by all HTTP values, with
	// timeouts, TLS 1.2 or newer, HTTP/2, and idle connections kept for 4
	// seconds, which is less than the reference server keeps them. Waits
	// (protocol.md §13) last at most half of the client's Timeout, so that the
	// client does not give up on a response that holds states. Its
	// CheckRedirect is not used.
	Client *http.Client
}

// Namespace returns the transport of a namespace. It implements every optional
// interface of this package. Calls that the state manager lacks return an error
// that is [ErrUnsupported]. The Transport learns what the state manager can do
// from its responses and remembers it.
//
// Namespace does no I/O. If a field of h or the name is invalid, the calls of
// the Transport return the error.
func (h HTTP) Namespace(name string) Transport {
	c := h.connect()
	at, err := c.root.join("/", c.version, "/namespace/", name, "")
	if c.err == nil && err != nil {
		c.err = err
	}
	return &namespace{conn: c, name: name, path: at}
}

// Validate returns an error if these fields are invalid. It does no I/O.
func (h HTTP) Validate() error { return h.connect().err }

type namespacesAnswer struct {
	Namespaces []string `json:"namespaces"`
}

func (a *namespacesAnswer) missing() string { return without(a.Namespaces == nil, "namespaces") }

// Namespaces lists the namespaces of the state manager that hold nodes, graphs
// or runs, sorted.
func (h HTTP) Namespaces(ctx context.Context) ([]string, error) {
	c := h.connect()
	at, err := c.root.join("/", c.version, "/namespaces")
	answer, err := fetch[namespacesAnswer](ctx, c, call{op: "namespaces", at: at, err: err})
	return answer.Namespaces, err
}

// CloseIdleConnections closes the connections that are kept for later calls.
// With a nil Client these are shared with all other HTTP values without a
// Client.
func (h HTTP) CloseIdleConnections() { h.client().CloseIdleConnections() }

func (h HTTP) client() *http.Client {
	if h.Client != nil {
		return h.Client
	}
	return defaultClient()
}

// String returns the URL and the version, without the key.
func (h HTTP) String() string {
	return fmt.Sprintf("HTTP{URL:%q Version:%q}", presentable(h.URL), h.version())
}

// Format prints the result of String for every verb.
func (h HTTP) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, h.String()) }

// LogValue implements [slog.LogValuer]. It does not show the key.
func (h HTTP) LogValue() slog.Value { return slog.StringValue(h.String()) }

// MarshalText returns the result of String, so that encoding/json does not show
// the key either.
func (h HTTP) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

func (h HTTP) version() string {
	if h.Version == "" {
		return "v0"
	}
	return h.Version
}

// presentable returns a URL without the parts that may hold secrets.
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
