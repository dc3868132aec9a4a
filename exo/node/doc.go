// Package node says what a node is. Most programs use it by way of package exo,
// whose Node, FanOut, Val, Secret and signals are thin covers of what is here;
// those who write middleware, runtimes or test tools meet it in person.
//
// A node is a function with a name:
//
//	func(ctx context.Context, in Page, key APIKey) (Saved, error)
//
// Its three types are structs. Everything that a node receives or returns is a
// flat map of string to string, so a field is a string, or of a string type of
// your own; a [Val] of whatever else there is, which travels as text; or a
// [Secret], for values that must not be shown. Fields are called by their json tags and
// described by their jsonschema tags:
//
//	type Page struct {
//		URL    string              `json:"url" jsonschema:"description=Where to begin"`
//		Limit  node.Val[int]       `json:"limit" jsonschema:"default=100"`
//		Since  node.Val[time.Time] `json:"since,omitempty"`
//		Tags   node.Val[[]Tag]     `json:"tags"`
//	}
//
// A field must be there unless it has a default or omitempty. [None] stands for
// inputs, outputs or secrets that a node does not have.
//
// # Definition and execution
//
// [NewFanOut] and [New] do all that can be done once: they compile a codec for each
// of the types, derive the JSON Schemas that the node is registered with, and
// see to it that the two agree and that every state manager will take them. All
// that is wrong comes back at once, as a [*DefinitionError] that names each
// field and says what to do about it.
//
// [Node.Execute] then runs the node on one state: decode, call, encode. The
// function is called as what it is, and fields are read and written through
// pointers made beforehand: no value is looked at by reflection. Three small
// allocations are the node's own. [Any] is a node whose types have been
// forgotten, which is how a runtime holds them.
//
// # Outcomes
//
// A node ends in one of four ways. It returns outputs. It returns a
// [*PruneSignal], to end its branch of the run, or a [*RequeueSignal], to be run
// again later: errors by type, but no failures. Or it returns any other error
// and has failed, to be retried unless the error is [Permanent].
package node
