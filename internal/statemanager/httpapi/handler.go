// Package httpapi serves the Exosphere protocol over the engine of package
// statemanager: protocol.md §§2 to 4, 12 and 13.
//
// One table of endpoints routes requests, reads and checks their bodies, and
// describes itself as OpenAPI. What is wrong with a request is reported in the
// words and forms of the reference server, so that its clients need no others.
package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/internal/server"
)

const (
	maxBody         = 16 << 20 // bytes
	maxStrangerBody = 64 << 10 // bytes, of a request without a right key
	maxBatch        = 1000     // reports in one call; the engine bounds claims
	maxPage         = 200      // runs on one page
	maxWait         = 30 * time.Second
)

// Options configures a [Handler].
type Options struct {
	// Server handles the calls. The extensions that it has are announced; without
	// any the handler acts like one that has never heard of them.
	Server *server.Server

	// Keys are the API keys, each of which opens the whole API. Empty ones do
	// not count; without any, all calls that need a key are refused.
	Keys []string

	// CORSOrigins are the origins that browsers may call from.
	CORSOrigins []string

	// Logger gets faults as errors, and every request at debug level. nil discards.
	Logger *zap.Logger
}

// A Handler handles the calls of runtimes and of clients. It is safe for
// concurrent use.
type Handler struct {
	server     *server.Server
	keys       keyring
	cors       cors
	log        *zap.Logger
	extensions []string // the header that names them; nil without any
	routes     route
	waits      waits
	openAPI    []byte
}

// New makes a Handler.
func New(o Options) *Handler {
	h := &Handler{
		server: o.Server, log: o.Logger,
		keys: newKeyring(o.Keys), cors: newCORS(o.CORSOrigins),
	}
	if h.log == nil {
		h.log = zap.NewNop()
	}
	if extensions := o.Server.Extensions(); len(extensions) > 0 {
		names := make([]string, len(extensions))
		for i, e := range extensions {
			names[i] = string(e)
		}
		h.extensions = []string{strings.Join(names, ", ")}
	}
	table := h.endpoints()
	for i := range table {
		h.routes.add(&table[i])
	}
	h.openAPI = openAPI(table)
	return h
}

func (h *Handler) extended() bool { return h.extensions != nil }

// A call is one request and the response to it.
type call struct {
	*Handler
	request *http.Request
	params  params
	body    string // empty if there was none

	in, out []byte // buffers; out is the response
	status  int
}

// namespace is that of the path: the first parameter wherever there is one.
func (c *call) namespace() string { return c.params[0] }

// context ends with the request.
func (c *call) context() context.Context { return c.request.Context() }

// json responds with v.
func (c *call) json(v any) error {
	c.out = appendJSON(c.out, v)
	return nil
}

var calls = sync.Pool{New: func() any { return new(call) }}

// maxKept is the largest buffer that is kept for later requests.
const maxKept = 1 << 20

func (c *call) release() {
	in, out := c.in, c.out
	*c = call{}
	if cap(in) <= maxKept {
		c.in = in[:0]
	}
	if cap(out) <= maxKept {
		c.out = out[:0]
	}
	calls.Put(c)
}

var jsonType = []string{"application/json"}

// ServeHTTP handles one request. The server waits for it before it closes, and
// requests after that get status 503.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.server.Enter() {
		w.Header()["Content-Type"] = jsonType
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"detail":"` + server.ErrClosed.Error() + `"}`))
		return
	}
	defer h.server.Leave()
	begun := time.Now()
	id := requestID(r.Header.Get("X-Exosphere-Request-Id"))
	header := w.Header()
	header["X-Exosphere-Request-Id"] = []string{id}
	if h.extended() {
		header["X-Exosphere-Extensions"] = h.extensions
	}
	if h.cors.preflight(w, r) {
		return
	}
	h.cors.mark(header, r.Header.Get("Origin"))

	c := calls.Get().(*call)
	c.Handler, c.request, c.status = h, r, http.StatusOK
	defer func() {
		if p := recover(); p != nil {
			h.fault(w, r, id, p)
		}
	}()

	var path string
	e, err := c.route(header)
	if e != nil {
		path = e.path
		if err = c.admit(e); err == nil {
			c.status = e.status
			err = e.serve(c)
		}
	}
	if err != nil {
		c.refused(path, id, err)
	}
	if len(c.out) > 0 {
		header["Content-Type"] = jsonType
	}
	header["Content-Length"] = []string{strconv.Itoa(len(c.out))}
	w.WriteHeader(c.status)
	_, _ = w.Write(c.out) // the client may have gone
	if log := h.log.Check(zap.DebugLevel, "request"); log != nil {
		log.Write(zap.String("method", r.Method), zap.String("path", path), zap.Int("status", c.status),
			zap.Duration("took", time.Since(begun)), zap.String("request_id", id))
	}
	c.release()
}

// refused makes err the response.
func (c *call) refused(path, id string, err error) {
	var told bool
	c.out, c.status, told = appendRefusal(c.out[:0], err)
	if !told {
		c.log.Error("call failed", zap.String("path", path), zap.String("request_id", id), zap.Error(err))
	}
}

// fault responds to a request whose handling panicked. Nothing was written yet:
// responses are made in full before they are sent.
func (h *Handler) fault(w http.ResponseWriter, r *http.Request, id string, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	h.log.Error("panic", zap.String("method", r.Method), zap.String("request_id", id), zap.Any("panic", p), zap.Stack("stack"))
	w.Header()["Content-Type"] = jsonType
	w.Header().Del("Content-Length")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write([]byte(internalError))
}

// route finds the endpoint. Without one it makes the response, or gives the error
// to respond with.
func (c *call) route(header http.Header) (*endpoint, error) {
	path := c.request.URL.EscapedPath()
	at := c.routes.find(path, &c.params)
	if at == nil {
		if c.routes.find(slashed(path), new(params)) == nil {
			return nil, refuse(http.StatusNotFound, "Not Found")
		}
		// The path alone, so that it leads nowhere else. It is known to begin with
		// a literal segment.
		location := slashed(path)
		if q := c.request.URL.RawQuery; q != "" {
			location += "?" + q
		}
		header["Location"] = []string{location}
		c.status = http.StatusTemporaryRedirect
		return nil, nil
	}
	if e := at.methods[c.request.Method]; e != nil {
		return e, nil
	}
	header["Allow"] = []string{at.allow}
	return nil, refuse(http.StatusMethodNotAllowed, "Method Not Allowed")
}

// admit reads the body, where there is one to be, and checks the key. A body
// that is not JSON comes before a wrong key, and that before a body that does
// not fit (protocol.md §2); but no stranger makes us read much.
func (c *call) admit(e *endpoint) error {
	admitted := e.open || c.keys.opens(c.request.Header.Get("X-Api-Key"))
	if e.body != nil {
		limit := int64(maxBody)
		if !admitted {
			limit = maxStrangerBody
		}
		err := c.readBody(limit)
		if err == nil && !admitted {
			err = c.checkBody()
		}
		if err != nil && (admitted || !tooLarge(err)) {
			return err
		}
	}
	if !admitted {
		return refuse(http.StatusUnauthorized, "Invalid API key")
	}
	return nil
}
