package transport

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// maxPooled is the size above which a buffer is left to the garbage collector.
const maxPooled = 1 << 20

var buffers sync.Pool // of *[]byte

func getBuffer() *[]byte {
	if b, ok := buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 4<<10)
	return &b
}

// putBuffer returns a buffer to the pool. It zeroes it, so that no secrets
// remain there.
func putBuffer(b *[]byte) {
	if cap(*b) > maxPooled {
		return
	}
	clear(*b)
	*b = (*b)[:0]
	buffers.Put(b)
}

// maxCopied is the size up to which net/http gets a copy of a body, in a reader
// that it knows to be in memory. Only then does it send headers and body in one
// packet; larger bodies would exceed its buffer anyway. The copy is not zeroed,
// nor is that buffer.
const maxCopied = 3 << 10

// A payload is the body of a request in a pooled buffer. net/http may read a
// body after it has returned the response, so the buffer returns to the pool
// only when the caller and every reader have released it.
type payload struct {
	buf  *[]byte
	refs atomic.Int32 // one for the caller and one for each open reader
}

func newPayload() *payload {
	p := &payload{buf: getBuffer()}
	p.refs.Store(1)
	return p
}

func (p *payload) bytes() []byte { return *p.buf }

// set replaces the bytes by b, which may have grown from bytes().
func (p *payload) set(b []byte) { *p.buf = b }

// release releases the caller's reference. The payload may be nil.
func (p *payload) release() {
	if p != nil && p.refs.Add(-1) == 0 {
		putBuffer(p.buf)
	}
}

var errReleased = errors.New("request body was released: its call has ended")

// reader opens the body. It returns an error once the body is released.
func (p *payload) reader() (io.ReadCloser, error) {
	for {
		n := p.refs.Load()
		if n == 0 {
			return nil, errReleased
		}
		if p.refs.CompareAndSwap(n, n+1) {
			break
		}
	}
	if len(*p.buf) > maxCopied {
		return &payloadReader{payload: p, rest: *p.buf}, nil
	}
	defer p.release()
	return io.NopCloser(bytes.NewReader(bytes.Clone(*p.buf))), nil
}

// A payloadReader may be closed while it is being read.
type payloadReader struct {
	mu      sync.Mutex
	payload *payload // nil once closed
	rest    []byte
}

func (r *payloadReader) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.payload == nil {
		return 0, errReleased
	}
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *payloadReader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.payload != nil {
		r.payload.release()
		r.payload, r.rest = nil, nil
	}
	return nil
}
