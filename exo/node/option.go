package node

import (
	"fmt"
	"time"
)

// Option configures a node: see [WithTimeout] and [WithConcurrency].
type Option interface{ applyNode(o *options) }

type options struct {
	timeout     time.Duration
	concurrency int
	problems    []string
}

type optionFunc func(o *options)

func (f optionFunc) applyNode(o *options) { f(o) }

// WithTimeout bounds one execution of a node, which must be positive. The
// default is no bound.
func WithTimeout(d time.Duration) Option {
	return optionFunc(func(o *options) {
		if o.timeout = d; d <= 0 {
			o.problems = append(o.problems, fmt.Sprintf("the timeout %v is not positive: leave it out for none", d))
		}
	})
}

// WithConcurrency bounds how many states of a node one runtime executes at once;
// n must be positive. The default is no bound but the runtime's own.
func WithConcurrency(n int) Option {
	return optionFunc(func(o *options) {
		if o.concurrency = n; n <= 0 {
			o.problems = append(o.problems, fmt.Sprintf("the concurrency %d is not positive: leave it out for no bound", n))
		}
	})
}
