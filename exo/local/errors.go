package local

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/internal/server"
)

// ErrClosed is found by [errors.Is] in what calls fail with after
// [Server.Close]: a [transport.Error] that no further attempt can fix.
var ErrClosed = server.ErrClosed

// ErrDraining is found by [errors.Is] in the error of triggers while an
// [Instance] closes: it starts no more runs. Over HTTP it is a 503.
var ErrDraining = server.ErrDraining

// An UnfinishedError is what [Server.Close] returns if it ended runs that
// were not terminal: they were kept in memory, and are gone. The state manager is
// closed anyway. It is found by [errors.As].
type UnfinishedError struct {
	// Runs counts them by namespace: those that have any.
	Runs map[string]int

	// States are the pending states of these runs, by node.
	States []PendingStates
}

// PendingStates counts the pending states of a node.
type PendingStates struct {
	Namespace, Node string
	Executing       int       // claimed by a runtime
	Due             int       // wait for a runtime that serves the node
	Delayed         int       // wait for their time, such as that of a retry
	Next            time.Time // the first time that one of Delayed waits for
}

// String says what the states wait for.
func (p PendingStates) String() string {
	var parts []string
	if p.Executing > 0 {
		parts = append(parts, fmt.Sprintf("%d executing", p.Executing))
	}
	if p.Due > 0 {
		parts = append(parts, fmt.Sprintf("%d due", p.Due))
	}
	if p.Delayed > 0 {
		parts = append(parts, fmt.Sprintf("%d delayed until %s or later", p.Delayed, p.Next.UTC().Format(time.RFC3339)))
	}
	return fmt.Sprintf("node %q in namespace %q: %s", p.Node, p.Namespace, strings.Join(parts, ", "))
}

// unfinished is the error of the runs that are not terminal, nil if all are.
func (s *Server) unfinished() *UnfinishedError {
	runs := s.server.Unfinished()
	if len(runs) == 0 {
		return nil
	}
	e := &UnfinishedError{Runs: runs}
	for _, p := range s.server.Pending() {
		e.States = append(e.States, PendingStates(p))
	}
	return e
}

// Count is the number of runs in all.
func (e *UnfinishedError) Count() int {
	total := 0
	for _, n := range e.Runs {
		total += n
	}
	return total
}

// Error counts the runs, in all and by namespace, and says what they wait for.
func (e *UnfinishedError) Error() string {
	text := "1 run was not finished and is gone"
	if n := e.Count(); n != 1 {
		text = fmt.Sprintf("%d runs were not finished and are gone", n)
	}
	parts := make([]string, 0, len(e.Runs))
	for _, name := range slices.Sorted(maps.Keys(e.Runs)) {
		parts = append(parts, fmt.Sprintf("%d in namespace %q", e.Runs[name], name))
	}
	waits := []string{text + ": " + strings.Join(parts, ", ")}
	for _, p := range e.States {
		waits = append(waits, p.String())
	}
	return strings.Join(waits, "; ")
}
