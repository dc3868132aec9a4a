package exo

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"
)

// misbehaved counts a panic of user code other than a node, and logs the first
// of each kind. It must be called before the stack of the panic is unwound.
func (r *Runtime) misbehaved(what string, redact *redactor, p any) {
	if r.counters.panicked(what) {
		r.log.Error("user code panicked; further panics of this kind are only counted", zap.String("what", what),
			zap.String("panic", redact.text(fmt.Sprint(p))), zap.String("stack", redact.text(string(debug.Stack()))))
	}
}

// observe calls a hook of a [Trace].
func (r *Runtime) observe(hook string, redact *redactor, call func()) {
	defer func() {
		if p := recover(); p != nil {
			r.misbehaved("Trace."+hook, redact, p)
		}
	}()
	call()
}

// survive, deferred, makes the panic of a transport the lack of a response.
func (r *Runtime) survive(err *error) {
	if v := recover(); v != nil { //nolint:revive // it is what its callers defer
		r.misbehaved("transport", nil, v)
		*err = fmt.Errorf("the transport panicked: %v", v)
	}
}

// A guardedBackoff wraps a backoff of [WithReportBackoff]. If that panics or
// ends its goroutine, the default backoff replaces it.
type guardedBackoff struct {
	runtime *Runtime
	wait    backoff.BackOff // nil before it is first used
}

// newBackoff returns a backoff of the configured kind. The backoff is created
// on first use, because most calls never fail.
func (r *Runtime) newBackoff() backoff.BackOff { return &guardedBackoff{runtime: r} }

func (b *guardedBackoff) get() backoff.BackOff {
	if b.wait == nil {
		b.wait = b.runtime.config.reportBackoff()
		b.wait.Reset()
	}
	return b.wait
}

// NextBackOff implements [backoff.BackOff].
func (b *guardedBackoff) NextBackOff() (d time.Duration) {
	if !b.call(func() { d = b.get().NextBackOff() }) {
		d = b.wait.NextBackOff()
	}
	return d
}

// Reset implements [backoff.BackOff].
func (b *guardedBackoff) Reset() { b.call(func() { b.get().Reset() }) }

// call calls the user's backoff, and reports false if that was replaced. It
// uses a goroutine of its own, to survive runtime.Goexit.
func (b *guardedBackoff) call(f func()) (ok bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			p := recover()
			if ok {
				return
			}
			if p == nil {
				p = "runtime.Goexit"
			}
			b.runtime.misbehaved("the backoff of WithReportBackoff", nil, p)
			b.wait = defaultReportBackoff()
		}()
		f()
		ok = true
	}()
	<-done
	return ok
}
