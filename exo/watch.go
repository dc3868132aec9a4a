package exo

import (
	"runtime"
	"time"

	"go.uber.org/zap"
)

// overdueGrace is how long after its time-out a node is given to return before
// it is said to ignore its context.
const overdueGrace = 5 * time.Second

// watch logs a node that does not return after its time-out, with the stacks
// of the program: its worker stays busy until it does. The returned function
// ends the watch.
func (r *Runtime) watch(e *execution, timeout time.Duration) (done func()) {
	counted, redact := make(chan struct{}), e.work.redact
	t := time.AfterFunc(timeout+overdueGrace, func() {
		r.counters.overdue.Add(1)
		close(counted)
		stacks := make([]byte, 256<<10)
		stacks = stacks[:runtime.Stack(stacks, true)]
		r.log.Error("node ignores its time-out; its worker stays busy until it returns", append(infoFields(e.info()),
			zap.Duration("timeout", timeout), zap.String("stacks", redact.text(string(stacks))))...)
	})
	return func() {
		if !t.Stop() {
			<-counted
			r.counters.overdue.Add(-1)
		}
	}
}
