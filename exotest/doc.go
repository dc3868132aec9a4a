// Package exotest tests nodes and graphs without a state manager.
//
// [Run] executes a node once. A [StateManager] is an in-memory state manager:
// its Drive runs a whole graph, step by step and in virtual time, so that a
// retry after an hour or a trigger of next month costs nothing. [Bubble] puts
// real runtimes over it into a [testing/synctest] bubble.
//
// Nothing here is a second copy of the rules. Nodes are executed by an
// [exo.Executor], which is the runtime's own code, and states live in the engine
// of exo/local: what passes here decodes, joins and is retried there.
//
// See docs/testing.md for a guide.
package exotest
