package faults

import (
	"context"
	"sync"
	"time"
)

// An injector counts calls and asks a plan for their faults.
type injector struct {
	mu   sync.Mutex
	plan Plan
	ops  map[string]*operation
	cut  chan struct{} // closed while the connection is cut
}

type operation struct {
	calls int
	over  chan struct{} // closed when the next call has ended
}

// reorderWait is the longest time that a call waits to be overtaken.
const reorderWait = time.Second

func newInjector(p Plan) *injector {
	if p == nil {
		p = Clear
	}
	return &injector{plan: p, ops: make(map[string]*operation), cut: make(chan struct{})}
}

func (j *injector) operation(op string) *operation {
	o := j.ops[op]
	if o == nil {
		o = &operation{over: make(chan struct{})}
		j.ops[op] = o
	}
	return o
}

// begin counts a call and returns its fault. over is closed when the next call
// has ended, cut when the connection is cut.
func (j *injector) begin(op string) (f Fault, over, cut <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	o := j.operation(op)
	o.calls++
	return j.plan(op, o.calls), o.over, j.cut
}

// end wakes the calls that wait to be overtaken.
func (j *injector) end(op string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	o := j.operation(op)
	close(o.over)
	o.over = make(chan struct{})
}

// SetPlan replaces the plan; nil means [Clear]. Counts of calls go on.
func (j *injector) SetPlan(p Plan) {
	if p == nil {
		p = Clear
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.plan = p
}

// Calls returns the number of calls of an operation so far.
func (j *injector) Calls(op string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.operation(op).calls
}

// Cut cuts the connection, as if either side had died: calls in flight lose
// their responses, and further ones fail at once.
func (j *injector) Cut() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !isClosed(j.cut) {
		close(j.cut)
	}
}

// Mend undoes Cut.
func (j *injector) Mend() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if isClosed(j.cut) {
		j.cut = make(chan struct{})
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// before applies the faults that come before a call. It reports false if the
// call must not be made.
func before(ctx context.Context, f Fault, over, cut <-chan struct{}) bool {
	if f.Kind == Reorder && !pause(ctx, reorderWait, over, cut) {
		return false
	}
	return pause(ctx, f.Delay, nil, cut) && f.Kind != DropBefore
}

// pause waits for d or until enough is closed. It reports false if ctx has
// ended or the connection is cut.
func pause(ctx context.Context, d time.Duration, enough, cut <-chan struct{}) bool {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-enough:
		case <-cut:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil && !isClosed(cut)
}

// until returns a context that also ends when the connection is cut.
func until(ctx context.Context, cut <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-cut:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
