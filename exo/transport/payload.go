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

// putBuffer takes a buffer back. It is zeroed, so that no secrets wait in the pool.
func putBuffer(b *[]byte) {
	if cap(*b) > maxPooled {
		return
	}
	clear(*b)
	*b = (*b)[:0]
	buffers.Put(b)
}

// maxCopied is the size up to which net/http gets a copy of a body, as a reader
// that it knows to be in memory: only then does it send the headers and the body
// together, in one packet. Beyond it both would not fit its buffer anyhow. The
// copy is not zeroed, and neither is that buffer.
const maxCopied = 3 << 10

// A payload is the body of a request in a pooled buffer. net/http may read a
// body after it has returned the answer, so the buffer goes back only when the
// caller and every reader have let go of it.
type payload struct {
	buf  *[]byte
	refs atomic.Int32 // the caller's, and one for each open reader
}

func newPayload() *payload {
	p := &payload{buf: getBuffer()}
	p.refs.Store(1)
	return p
}

func (p *payload) bytes() []byte { return *p.buf }

// set replaces the bytes by b, which may have grown out of bytes().
func (p *payload) set(b []byte) { *p.buf = b }

// release lets go of the payload. It may be nil.
func (p *payload) release() {
	if p != nil && p.refs.Add(-1) == 0 {
		putBuffer(p.buf)
	}
}

var errReleased = errors.New("the body of this request is gone: its call is over")

// reader opens the body. It is an error once all have let go of it.
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

// A payloadReader may be closed while it is read.
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
