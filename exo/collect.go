package exo

import (
	"strings"

	"github.com/exospherehost/exo-go/exo/node"
)

// Collect refers, in the inputs of a step that unites, to an output of every
// state of a step between the anchor and it: the list of all the branches'
// values. field is a field of that step's Out; for one that is a string, there is
// [CollectStrings]. Branches that failed or were pruned have no value, and so no
// place in the list: see [CollectAll]. Collect needs a state manager with the extension "collect"
// (docs/differences.md).
func Collect[T any](field Val[T]) Val[[]T] {
	placeholder, _ := node.Placeholder(field) // without one, Validate finds nothing to collect
	return node.Collected[T](placeholder)
}

// CollectStrings is [Collect] of a field that is a string.
func CollectStrings[S ~string](field S) Val[[]S] { return node.Collected[S](string(field)) }

// A Branch is the outcome of one branch that a join waited for: see [CollectAll].
type Branch[T any] = node.Branch[T]

// CollectAll is [Collect] with an entry for every branch, also for those that
// failed or were pruned, be it at the step of the field or before it. So the
// lists of steps that follow one another line up: what has the same index is of
// the same branch, as long as no step between them fans out.
func CollectAll[T any](field Val[T]) Val[[]Branch[T]] {
	placeholder, _ := node.Placeholder(field)
	return node.Collected[Branch[T]](branchesReference(placeholder))
}

// CollectAllStrings is [CollectAll] of a field that is a string.
func CollectAllStrings[S ~string](field S) Val[[]Branch[S]] {
	return node.Collected[Branch[S]](branchesReference(string(field)))
}

// branchesReference makes of the placeholder of an output that of the output of
// all branches (protocol.md §13, collect).
func branchesReference(output string) string {
	return strings.Replace(output, ".outputs.", ".branches.", 1)
}
