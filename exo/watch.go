package exo

import (
	"runtime"
	"time"

	"go.uber.org/zap"
)

// overdueGrace is how long after its timeout a node may take to return before
// it is logged for ignoring its context.
const overdueGrace = 5 * time.Second

// watch logs a node that does not return after its timeout, with the stacks of
// all goroutines. Its worker stays busy until it returns. The caller calls done
// to end the watch.
func (r *Runtime) watch(e *execution, timeout time.Duration) (done func()) {
	counted, redact := make(chan struct{}), e.work.redact
	t := time.AfterFunc(timeout+overdueGrace, func() {
		r.counters.overdue.Add(1)
		close(counted)
		stacks := make([]byte, 256<<10)
		stacks = stacks[:runtime.Stack(stacks, true)]
		r.log.Error("node ignores its timeout; its worker stays busy until it returns", append(infoFields(e.info()),
			zap.Duration("timeout", timeout), zap.String("stacks", redact.text(string(stacks))))...)
	})
	return func() {
		if !t.Stop() {
			<-counted
			r.counters.overdue.Add(-1)
		}
	}
}
