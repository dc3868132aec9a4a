package exo

import (
	"context"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
)

// Node defines a node that returns one output for each state it executes.
//
// In, Out and Sec are inferred from fn. Each is [None], or a struct whose
// fields are strings or, except in Sec, [Val]s. json tags name the fields, and
// jsonschema tags describe them. Node panics, listing every reason, if a type
// is invalid. It is meant for package variables, like [regexp.MustCompile].
func Node[In, Out, Sec any](name string, fn func(ctx context.Context, in In, sec Sec) (Out, error), opts ...node.Option) *node.Node[In, Out, Sec] {
	return must(node.New(name, fn, opts...))
}

// FanOut defines a node that returns any number of outputs for each state. The
// graph continues from each of them in parallel.
//
// Returning no outputs does not end the branch: the graph continues once, from
// a state without outputs. To end the branch, return [Prune]. FanOut panics as
// [Node] does.
func FanOut[In, Out, Sec any](name string, fn func(ctx context.Context, in In, sec Sec) ([]Out, error), opts ...node.Option) *node.Node[In, Out, Sec] {
	return must(node.NewFanOut(name, fn, opts...))
}

// Remote declares a node that other runtimes serve, possibly in another
// namespace and another language, for use in a graph. It panics as [Node] does.
func Remote[In, Out any](namespace, name string) *node.Node[In, Out, None] {
	return must(node.NewRemote[In, Out](namespace, name))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Nodes returns its arguments as a list, for nodes of different types that a
// runtime serves.
func Nodes(nodes ...node.Any) []node.Any { return nodes }

// WithTimeout limits one execution of a node: its context ends after d, with a
// cause that says so. By default there is no limit.
func WithTimeout(d time.Duration) node.Option { return node.WithTimeout(d) }

// WithConcurrency limits how many states of a node one runtime executes at
// once. The default is the number of workers.
func WithConcurrency(n int) node.Option { return node.WithConcurrency(n) }
