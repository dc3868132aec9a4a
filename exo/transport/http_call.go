package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/exospherehost/exo-go/internal/ids"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// Header names, in the form that net/http keeps.
const (
	headerKey        = "X-Api-Key"
	headerRequestID  = "X-Exosphere-Request-Id"
	headerExtensions = "X-Exosphere-Extensions"
)

const (
	maxAnswer  = 16 << 20
	maxMessage = 1 << 10
)

// conn sends calls to a state manager. Its fields do not change.
type conn struct {
	client  *http.Client
	version string
	endpoint
	err    error       // why nothing can be sent
	header http.Header // what every call carries; shared, so never written
	key    string
	known  atomic.Pointer[extensions] // nil before the first answer
}

func (h HTTP) connect() *conn {
	c := &conn{client: h.client(), version: h.version(), key: h.APIKey}
	c.endpoint, c.err = parseEndpoint(h.URL)
	if c.err == nil && strings.ContainsFunc(h.APIKey, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		c.err = errors.New("the APIKey holds a character that no header can carry, such as a line break")
	}
	c.header = http.Header{
		"Accept":     {"application/json"},
		"User-Agent": {userAgent()},
	}
	if h.APIKey != "" {
		c.header[headerKey] = []string{h.APIKey}
	}
	return c
}

// Format keeps the key out of what is printed, whatever the verb.
func (c *conn) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "HTTP "+c.address()) }

func (c *conn) address() string { return c.scheme + "://" + c.host + c.root.plain }

// A call is one request to be sent.
type call struct {
	op      string
	method  string // GET when empty
	at      path
	query   string
	body    *payload // released when the call is over
	err     error    // why it cannot be sent
	keyless bool
	private bool // what the answer holds is not to be seen in errors
}

var jsonContent = []string{"application/json"}

// send makes a call and gives the answer, if it is a success, to read, which
// must not keep it. Its errors are all of type *Error.
func (c *conn) send(ctx context.Context, k call, read func(answer []byte) error) error {
	defer k.body.release()
	if c.err != nil {
		return refused(k.op, c.err)
	}
	if k.err != nil {
		return refused(k.op, k.err)
	}
	ctx, cancel := bounded(ctx, c.client)
	defer cancel()
	req, id := c.request(ctx, k)
	resp, err := exchange(c.client, req)
	if err != nil {
		return c.unanswered(ctx, k.op, id, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if from := resp.Header.Get(headerRequestID); from != "" {
		id = from
	}
	c.learn(resp.Header, false)
	buf := getBuffer()
	defer putBuffer(buf)
	tooLarge, err := readBounded(buf, resp.Body, resp.ContentLength)
	switch {
	case resp.StatusCode >= 300:
		return c.declined(k, id, resp, *buf)
	case err != nil:
		return c.unanswered(ctx, k.op, id, fmt.Errorf("the answer was cut short: %w", err))
	case tooLarge:
		return &Error{
			Op: k.op, Status: http.StatusRequestEntityTooLarge, RequestID: id,
			Message: fmt.Sprintf("the answer is larger than %d MiB", maxAnswer>>20), Err: ErrAnswerTooLarge,
		}
	}
	if err := read(*buf); err != nil {
		return c.unreadable(k, id, resp.StatusCode, *buf, err)
	}
	c.learn(resp.Header, true)
	return nil
}

// request makes the request of a call, and its ID.
func (c *conn) request(ctx context.Context, k call) (req *http.Request, id string) {
	id = newRequestID()
	header := make(http.Header, len(c.header)+2)
	maps.Copy(header, c.header)
	if k.keyless {
		delete(header, headerKey)
	}
	header[headerRequestID] = []string{id}
	req = (&http.Request{
		Method:     k.method,
		URL:        &url.URL{Scheme: c.scheme, Host: c.host, Path: k.at.plain, RawPath: k.at.escaped, RawQuery: k.query},
		Host:       c.host,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     header,
	}).WithContext(ctx)
	if k.method == "" {
		req.Method = http.MethodGet
	}
	if k.body != nil {
		header["Content-Type"] = jsonContent
		req.ContentLength = int64(len(k.body.bytes()))
		req.Body, _ = k.body.reader()
		req.GetBody = k.body.reader
	}
	return req, id
}

// fetch makes a call and decodes the answer into a T.
func fetch[T any](ctx context.Context, c *conn, k call) (answer T, err error) {
	err = c.send(ctx, k, func(raw []byte) error { return decode(raw, &answer) })
	return answer, err
}

// decode reads an answer, which must be a JSON object, and must have the member
// that into says it cannot be without. Other members that do not fit are left
// zero: what else the answer says may be worth more than what is wrong with it.
func decode(raw []byte, into any) error {
	if err := jsontext.IsObject(raw); err != nil {
		return err
	}
	err := json.Unmarshal(raw, into)
	var misfit *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &misfit) {
		return err
	}
	if a, ok := into.(interface{ missing() string }); ok && a.missing() != "" {
		return fmt.Errorf("no %q", a.missing())
	}
	return nil
}

// without is name if a member of that name is missing.
func without(missing bool, name string) string {
	if missing {
		return name
	}
	return ""
}

// readBounded reads all of r into buf, up to maxAnswer bytes.
func readBounded(buf *[]byte, r io.Reader, length int64) (tooLarge bool, err error) {
	b := *buf
	defer func() { *buf = b }()
	if length > maxAnswer {
		return true, nil
	}
	if need := int(length) + 1; length > 0 && cap(b) < need { // room to see the end
		b = make([]byte, 0, need)
	}
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):min(cap(b), maxAnswer+1)])
		b = b[:len(b)+n]
		switch {
		case len(b) > maxAnswer:
			return true, nil
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// newRequestID makes a random UUID. It keeps no secret, so it need not be hard to
// guess.
func newRequestID() string { return ids.UUID(rand.Uint64(), rand.Uint64()) }

// wait is how long the state manager may be asked to hold its answer: d, but
// so that the answer comes well before the client or ctx gives up.
func (c *conn) wait(ctx context.Context, d time.Duration) time.Duration {
	d = min(d, maxWait)
	if c.client.Timeout > 0 {
		d = min(d, c.client.Timeout/2)
	}
	if end, ok := ctx.Deadline(); ok {
		d = min(d, time.Until(end)/2)
	}
	return max(d, 0)
}
