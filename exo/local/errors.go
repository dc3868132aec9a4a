package local

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exospherehost/exo-go/internal/server"
)

// ErrClosed is found by [errors.Is] in what calls fail with after
// [Server.Close]: a [transport.Error] that no further attempt can mend.
var ErrClosed = server.ErrClosed

// An UnfinishedError is what [Server.Close] returns if it ended runs that
// were not terminal: they were kept in memory, and are gone. The state manager is
// closed all the same. It is found by [errors.As].
type UnfinishedError struct {
	// Runs counts them by namespace: those that have any.
	Runs map[string]int
}

// Count is the number of runs in all.
func (e *UnfinishedError) Count() int {
	total := 0
	for _, n := range e.Runs {
		total += n
	}
	return total
}

// Error counts the runs, in all and by namespace.
func (e *UnfinishedError) Error() string {
	text := "1 run was not finished and is gone"
	if n := e.Count(); n != 1 {
		text = fmt.Sprintf("%d runs were not finished and are gone", n)
	}
	parts := make([]string, 0, len(e.Runs))
	for _, name := range slices.Sorted(maps.Keys(e.Runs)) {
		parts = append(parts, fmt.Sprintf("%d in namespace %q", e.Runs[name], name))
	}
	return text + ": " + strings.Join(parts, ", ")
}
