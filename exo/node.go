package exo

import (
	"context"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
)

// Node declares a node that gives one output for each state it executes.
//
// In, Out and Sec are inferred from fn. Each is a struct whose fields are strings
// or, but for Sec, [Val]; or [None]. Fields are named by their json tags and
// described by their jsonschema tags.
// Node panics, listing every reason, if a type is not fit; it is meant for
// package variables, like [regexp.MustCompile].
func Node[In, Out, Sec any](name string, fn func(ctx context.Context, in In, sec Sec) (Out, error), opts ...node.Option) *node.Node[In, Out, Sec] {
	return must(node.New(name, fn, opts...))
}

// FanOut declares a node that gives any number of outputs for each state, each
// of which the graph continues from in parallel.
//
// To give no outputs does not end the branch: the graph continues once, from a
// state without outputs. To end it, return [Prune]. FanOut panics as [Node]
// does.
func FanOut[In, Out, Sec any](name string, fn func(ctx context.Context, in In, sec Sec) ([]Out, error), opts ...node.Option) *node.Node[In, Out, Sec] {
	return must(node.NewFanOut(name, fn, opts...))
}

// Remote declares a node that other runtimes serve, perhaps in another
// namespace and another language, for use in a graph. It panics as [Node]
// does.
func Remote[In, Out any](namespace, name string) *node.Node[In, Out, None] {
	return must(node.NewRemote[In, Out](namespace, name))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Nodes collects nodes of different types into the list that a runtime serves.
func Nodes(nodes ...node.Any) []node.Any { return nodes }

// WithTimeout bounds one execution of a node: its context ends after d, with a
// cause that says so. The default is no bound.
func WithTimeout(d time.Duration) node.Option { return node.WithTimeout(d) }

// WithConcurrency bounds how many states of a node one runtime executes at
// once. The default is the number of workers.
func WithConcurrency(n int) node.Option { return node.WithConcurrency(n) }
