package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/nodecontext"
	"github.com/exospherehost/exo-go/internal/wire"
)

// None is the type of what a node does not have: inputs, outputs or secrets.
type None struct{}

// A Node is a typed node: its function, and the codecs and schemas compiled
// from its three types. Make one with exo.Node, exo.FanOut, or [NewFanOut]. It is
// immutable and safe for concurrent use.
type Node[In, Out, Sec any] struct {
	name      string
	namespace string // of a remote node, else ""
	spec      transport.NodeSpec
	options   options

	in  *wire.Codec[In]
	out *wire.Codec[Out]
	sec *wire.Codec[Sec]

	// The function, in one of its forms. A remote node has neither.
	one  func(context.Context, In, Sec) (Out, error)
	many func(context.Context, In, Sec) ([]Out, error)
}

// Any is a node of any types. Only [Node] implements it.
type Any interface {
	// Name is the name that the node registers under.
	Name() string

	// Namespace is the namespace of a node that other runtimes serve, and empty
	// for a node that has a function here.
	Namespace() string

	// Spec is the node's registration. The caller may modify it.
	Spec() transport.NodeSpec

	// Timeout is the bound of [WithTimeout], 0 for none.
	Timeout() time.Duration

	// Concurrency is the bound of [WithConcurrency], 0 for none.
	Concurrency() int

	// FansOut reports whether the node may give any number of outputs.
	FansOut() bool

	// Execute runs the node on one state. It is a [Handler].
	Execute(ctx context.Context, req *Request) ([]transport.Object, error)

	sealed()
}

// NewFanOut is the form of exo.FanOut that reports an unfit definition instead of
// panicking: a node that gives any number of outputs for each state. The error
// is a [*DefinitionError] that lists every reason.
func NewFanOut[In, Out, Sec any](name string, fn func(context.Context, In, Sec) ([]Out, error), opts ...Option) (*Node[In, Out, Sec], error) {
	n, d := define[In, Out, Sec](name, opts)
	if n.many = fn; fn == nil {
		d.problem("the function is nil")
	}
	return finish(n, d)
}

// New is the form of exo.Node that reports an unfit definition instead of
// panicking: a node that gives one output for each state, or none if Out has no
// fields. The error is a [*DefinitionError] that lists every reason.
func New[In, Out, Sec any](name string, fn func(context.Context, In, Sec) (Out, error), opts ...Option) (*Node[In, Out, Sec], error) {
	n, d := define[In, Out, Sec](name, opts)
	if n.one = fn; fn == nil {
		d.problem("the function is nil")
	}
	return finish(n, d)
}

// NewRemote is a node that other runtimes serve, in the given namespace. It has
// no function: it stands in graphs, and cannot be called. The error is a
// [*DefinitionError] that lists every reason.
func NewRemote[In, Out any](namespace, name string) (*Node[In, Out, None], error) {
	n, d := define[In, Out, None](name, nil)
	n.namespace = namespace
	d.checkName("namespace", namespace)
	return finish(n, d)
}

// Name is the name that the node registers under.
func (n *Node[In, Out, Sec]) Name() string { return n.name }

// Namespace is the namespace of a node that other runtimes serve, and empty for
// a node that has a function here.
func (n *Node[In, Out, Sec]) Namespace() string { return n.namespace }

// Timeout is the bound of [WithTimeout], 0 for none.
func (n *Node[In, Out, Sec]) Timeout() time.Duration { return n.options.timeout }

// Concurrency is the bound of [WithConcurrency], 0 for none.
func (n *Node[In, Out, Sec]) Concurrency() int { return n.options.concurrency }

// Spec is the node's registration: its name, schemas and secret names. The
// caller may modify it.
func (n *Node[In, Out, Sec]) Spec() transport.NodeSpec {
	return transport.NodeSpec{
		Name:          n.spec.Name,
		InputsSchema:  bytes.Clone(n.spec.InputsSchema),
		OutputsSchema: bytes.Clone(n.spec.OutputsSchema),
		Secrets:       slices.Clone(n.spec.Secrets),
	}
}

// Call runs the node's function on Go values. No codec, middleware or transport
// takes part, and neither does the timeout.
func (n *Node[In, Out, Sec]) Call(ctx context.Context, in In, sec Sec) ([]Out, error) {
	switch {
	case n.many != nil:
		return n.many(ctx, in, sec)
	case n.one == nil:
		return nil, n.noFunction()
	}
	out, err := n.one(ctx, in, sec)
	if err != nil || n.silent() {
		return nil, err
	}
	return []Out{out}, nil
}

// Execute runs the node as a runtime does: decode, call, encode. The function's
// error is returned as it is, so signals can be told by errors.As. The error for
// inputs or secrets that do not decode names the fields and shows no values, but
// for the text of a [Val] that is not of its type: that is shown, shortened and
// without the secrets that the runtime knows, and the error is [Permanent].
//
// Execute leaves timeouts, panics and [Info] to its caller.
func (n *Node[In, Out, Sec]) Execute(ctx context.Context, req *Request) ([]transport.Object, error) {
	if n.one == nil && n.many == nil {
		return nil, n.noFunction()
	}
	in, err := n.in.Decode(req.Inputs)
	if err != nil {
		return nil, inputsError(ctx, err)
	}
	sec, err := n.sec.DecodeMap(req.Secrets)
	if err != nil {
		return nil, fmt.Errorf("decode secrets: %w", err)
	}
	if n.one != nil {
		out, err := n.one(ctx, in, sec)
		if err != nil || n.silent() {
			return nil, err
		}
		object, err := n.encode(out)
		if err != nil {
			return nil, err
		}
		return []transport.Object{object}, nil
	}
	outs, err := n.many(ctx, in, sec)
	if err != nil || len(outs) == 0 {
		return nil, err
	}
	objects := make([]transport.Object, len(outs))
	for i, out := range outs {
		if objects[i], err = n.encode(out); err != nil {
			return nil, fmt.Errorf("output %d: %w", i, err)
		}
	}
	return objects, nil
}

func (n *Node[In, Out, Sec]) encode(out Out) (transport.Object, error) {
	object, err := n.out.Encode(out)
	if err != nil {
		return nil, fmt.Errorf("encode outputs: %w", err)
	}
	return object, nil
}

// inputsError is the error for inputs that do not decode. A text that is not of
// its type will not be at the next attempt either.
func inputsError(ctx context.Context, err error) error {
	var wrong wire.ValueErrors
	if errors.As(err, &wrong) {
		hide, _ := ctx.Value(nodecontext.HideKey{}).(func(string) string)
		return Permanent(fmt.Errorf("decode inputs: %s", wrong.Show(hide)))
	}
	return fmt.Errorf("decode inputs: %w", err)
}

// FansOut reports whether the node may give any number of outputs. A remote
// node does not say.
func (n *Node[In, Out, Sec]) FansOut() bool { return n.many != nil }

// silent reports whether the node's one output would hold nothing. It is then
// not given at all.
func (n *Node[In, Out, Sec]) silent() bool { return len(n.out.Fields()) == 0 }

func (n *Node[In, Out, Sec]) noFunction() error {
	return fmt.Errorf("node %q has no function here: it is served by other runtimes, in namespace %q", n.name, n.namespace)
}

func (n *Node[In, Out, Sec]) sealed() {}
