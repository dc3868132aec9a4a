package faults

import (
	"context"
	"fmt"
	"net/http"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A Provider injects faults into calls to another one. It is safe for
// concurrent use.
//
// Its transports implement every optional interface. Calls that the wrapped
// provider lacks return an error that is transport.ErrUnsupported, and claims
// ask for leases only if it can extend them.
type Provider struct {
	*injector
	inner transport.Provider
}

// New wraps inner. Calls are counted over all namespaces.
func New(inner transport.Provider, p Plan) *Provider {
	return &Provider{injector: newInjector(p), inner: inner}
}

// Namespace returns the transport of a namespace.
func (s *Provider) Namespace(name string) transport.Transport {
	return &namespace{injector: s.injector, inner: s.inner.Namespace(name)}
}

// Namespaces lists the namespaces, if the wrapped state manager can.
func (s *Provider) Namespaces(ctx context.Context) ([]string, error) {
	lister, ok := s.inner.(transport.NamespaceLister)
	if !ok {
		return nil, unsupported("namespaces")
	}
	return do(ctx, s.injector, "namespaces", lister.Namespaces)
}

type namespace struct {
	*injector
	inner transport.Transport
}

// do makes a call, or injects a fault.
func do[T any](ctx context.Context, j *injector, op string, call func(context.Context) (T, error)) (T, error) {
	var none T
	f, over, cut := j.begin(op)
	defer j.end(op)
	switch {
	case !before(ctx, f, over, cut):
		return none, unanswered(ctx, op)
	case f.Kind == Refuse:
		return none, refused(op, f)
	}
	calling, cancel := until(ctx, cut)
	defer cancel()
	if f.Kind == Duplicate {
		_, _ = call(calling)
	}
	answer, err := call(calling)
	if isClosed(cut) || !pause(ctx, f.Late, nil, cut) && f.Late > 0 {
		return none, unanswered(ctx, op)
	}
	if lost := spoiled(ctx, op, f.Kind); lost != nil {
		return none, lost
	}
	return answer, err
}

// spoiled returns the error for a damaged response, or nil.
func spoiled(ctx context.Context, op string, k Kind) error {
	const unreadable = "cannot read the response: "
	e := &transport.Error{Op: op, Status: http.StatusOK, Err: ErrInjected}
	switch k {
	case DropAfter, DropPart:
		return unanswered(ctx, op)
	case Truncate:
		e.Message = unreadable + "unexpected end of JSON input"
	case Garbage:
		e.Message = unreadable + "\ufffd\ufffd is not a JSON object"
	case HTML:
		e.Message = unreadable + page
	case Huge:
		e.Status, e.Err = http.StatusRequestEntityTooLarge, fmt.Errorf("%w: %w", ErrInjected, transport.ErrAnswerTooLarge)
		e.Message = "the response is larger than 16 MiB"
	default:
		return nil
	}
	return e
}

func unanswered(ctx context.Context, op string) error {
	cause := ErrInjected
	if err := ctx.Err(); err != nil {
		cause = fmt.Errorf("%w: %w", ErrInjected, err)
	}
	return &transport.Error{Op: op, Message: "no response: " + cause.Error(), Err: cause}
}

func refused(op string, f Fault) error {
	status := f.status()
	return &transport.Error{Op: op, Status: status, Message: http.StatusText(status) + ": " + ErrInjected.Error(), RetryAfter: f.RetryAfter}
}

func (f Fault) status() int {
	if f.Status == 0 {
		return http.StatusServiceUnavailable
	}
	return f.Status
}

func unsupported(op string) error {
	return &transport.Error{Op: op, Status: http.StatusNotImplemented, Message: "unsupported by this state manager"}
}
