package faults

import (
	"context"
	"sync"
	"time"
)

// An injector counts calls and asks a plan what happens to them.
type injector struct {
	mu   sync.Mutex
	plan Plan
	ops  map[string]*operation
	cut  chan struct{} // closed while the connection is cut
}

type operation struct {
	calls int
	over  chan struct{} // closed when the next call is over
}

// reorderWait is the longest that a call waits to be overtaken.
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

// begin counts a call and says what is to happen to it. cut is closed when the
// connection is cut.
func (j *injector) begin(op string) (f Fault, over, cut <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	o := j.operation(op)
	o.calls++
	return j.plan(op, o.calls), o.over, j.cut
}

// end tells those who wait to be overtaken.
func (j *injector) end(op string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	o := j.operation(op)
	close(o.over)
	o.over = make(chan struct{})
}

// SetPlan replaces the plan. nil is [Clear]. The counts of calls go on.
func (j *injector) SetPlan(p Plan) {
	if p == nil {
		p = Clear
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.plan = p
}

// Calls is the number of calls of an operation so far.
func (j *injector) Calls(op string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.operation(op).calls
}

// Cut cuts the connection, as the death of either side does: calls under way
// lose their answers, and further ones fail at once.
func (j *injector) Cut() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !isClosed(j.cut) {
		close(j.cut)
	}
}

// Mend makes up for Cut.
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

// before is all that happens ahead of a call. It reports false if the call is
// not to be made.
func before(ctx context.Context, f Fault, over, cut <-chan struct{}) bool {
	if f.Kind == Reorder && !pause(ctx, reorderWait, over, cut) {
		return false
	}
	return pause(ctx, f.Delay, nil, cut) && f.Kind != DropBefore
}

// pause waits for d, or until enough is closed. It reports false if ctx ended,
// or the connection is cut.
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

// until is ctx, which ends as well when the connection is cut.
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
