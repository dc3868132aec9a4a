package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// extensions holds the extensions that a response announced.
type extensions struct {
	header string // the header value, to see quickly that nothing has changed
	names  []Extension
}

func parseExtensions(header string) *extensions {
	e := &extensions{header: header}
	for name := range strings.SplitSeq(header, ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(e.names, Extension(name)) {
			e.names = append(e.names, Extension(name))
		}
	}
	return e
}

// learn records the extensions header of a response. A missing header counts
// only if the response is certainly the state manager's own: an error from a
// proxy says nothing about the server behind it.
func (c *conn) learn(h http.Header, certain bool) {
	var header string
	switch values := h[headerExtensions]; len(values) {
	case 0:
		if !certain {
			return
		}
	case 1:
		header = values[0]
	default:
		header = strings.Join(values, ",")
	}
	if known := c.known.Load(); known == nil || known.header != header {
		c.known.Store(parseExtensions(header))
	}
}

// has reports whether the state manager has announced ext.
func (c *conn) has(ext Extension) bool {
	known := c.known.Load()
	return known != nil && slices.Contains(known.names, ext)
}

// discover returns what the state manager has announced. If it has not
// announced anything yet, discover asks.
func (c *conn) discover(ctx context.Context, op string) (*extensions, error) {
	if known := c.known.Load(); known != nil {
		return known, nil
	}
	at, err := c.root.join("/health")
	if _, err := fetch[struct{}](ctx, c, call{op: op, at: at, err: err, keyless: true}); err != nil {
		return nil, err
	}
	return c.known.Load(), nil
}

// Extensions returns the extensions of the state manager (protocol.md §13), in
// its own order, including those unknown to this package. It makes a call only
// if no response has told them yet.
func (n *namespace) Extensions(ctx context.Context) ([]Extension, error) {
	known, err := n.discover(ctx, "extensions")
	if err != nil {
		return nil, err
	}
	return slices.Clone(known.names), nil
}

// require returns an error that is ErrUnsupported if the state manager lacks
// ext.
func (c *conn) require(ctx context.Context, op string, ext Extension) error {
	known, err := c.discover(ctx, op)
	if err != nil {
		return err
	}
	if !slices.Contains(known.names, ext) {
		return c.lacks(op, ext)
	}
	return nil
}

// instead says what to do without an extension.
var instead = map[Extension]string{
	ExtensionLease: "claim without a lease",
	ExtensionStore: "pass values as inputs and outputs",
	ExtensionRun:   "read the run with Runs, RunGraph and State",
}

func (c *conn) lacks(op string, ext Extension) *Error {
	message := fmt.Sprintf("the state manager at %s lacks the extension %q: use one that has it, such as exo serve", c.address(), ext)
	if hint := instead[ext]; hint != "" {
		message += ", or " + hint
	}
	return &Error{Op: op, Status: http.StatusNotImplemented, Message: message}
}

// use makes a call that needs ext. If the state manager has been replaced by
// one without the extension, whose routes do not include the call, the error
// says so.
func use[T any](ctx context.Context, c *conn, ext Extension, k call) (answer T, err error) {
	if c.err == nil && k.err == nil {
		if err := c.require(ctx, k.op, ext); err != nil {
			k.body.release()
			return answer, err
		}
	}
	answer, err = fetch[T](ctx, c, k)
	if noRoute(err) && !c.has(ext) {
		err = c.lacks(k.op, ext)
	}
	return answer, err
}

// noRoute reports whether the server does not know the path or the method.
func noRoute(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed)
}
