package exo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/retry"
	"go.uber.org/zap"
)

const (
	// maxOutputBytes is the largest size of the outputs of one state: what
	// every state manager accepts in one request, with room for the rest of the
	// request.
	maxOutputBytes = 15 << 20

	// maxErrorBytes is the largest length of a state's error.
	maxErrorBytes = 8 << 10
)

// errGoexit is the error of a node that neither returned nor panicked.
var errGoexit = errors.New("node called runtime.Goexit")

// execute runs a node on one state. It survives whatever the node does.
func (r *Runtime) execute(e *execution) {
	defer r.slots.give(e.node.node.Name())
	if e.settled.Load() { // its lease was lost before it began
		e.letGo()
		return
	}
	var (
		outputs  []transport.Object
		err      error
		returned bool
		started  = time.Now()
	)
	defer func() {
		if p := recover(); p != nil {
			err = r.panicked(e, p)
		} else if !returned {
			err = errGoexit
			r.log.Error("node called runtime.Goexit", infoFields(e.info())...)
		}
		r.finish(e, outputs, err, time.Since(started))
	}()
	outputs, err = r.call(e)
	returned = true
}

// panicked logs a node's panic and turns it into an error. It must be called
// before the stack of the panic is unwound.
func (r *Runtime) panicked(e *execution, p any) error {
	text := fmt.Sprint(p) // also survives a String or Error method that panics
	r.log.Error("node panicked", append(infoFields(e.info()),
		zap.String("panic", e.work.redact.text(text)),
		zap.String("stack", e.work.redact.text(string(debug.Stack()))))...)
	return errors.New("panic: " + text)
}

// call calls the node's handler with its secrets and its context.
func (r *Runtime) call(e *execution) ([]transport.Object, error) {
	if e.node.secrets {
		secrets, err := r.secrets(e)
		if err != nil {
			return nil, fmt.Errorf("get secrets: %w", err)
		}
		e.work.request.Secrets = secrets
		e.work.redact = newRedactor(secrets)
	}
	r.traceStarted(e, e.work.redact)
	ctx := e.nodeContext()
	if d := e.node.node.Timeout(); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, fmt.Errorf("node %q: timed out after %v: %w", e.info().Node, d, context.DeadlineExceeded))
		defer cancel()
		defer r.watch(e, d)()
	}
	outputs, err := e.node.handler(ctx, &e.work.request)
	if err != nil && errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil && e.ctx.Err() == nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return outputs, err
}

// secrets fetches the secrets of a state, for as long as the execution holds
// the state.
func (r *Runtime) secrets(e *execution) (transport.Secrets, error) {
	wait := r.newBackoff()
	for {
		secrets, err := r.secretsOnce(e)
		refused := retry.Unauthorized(err)
		if err == nil || !retry.Temporary(err) && !refused || e.ctx.Err() != nil {
			return secrets, err
		}
		delay := retry.Next(wait, err)
		if delay == backoff.Stop {
			return nil, err
		}
		if refused {
			r.counters.refused(err, r.log)
			delay = max(delay, retry.RefusedInterval)
		}
		if retry.Sleep(e.ctx, delay) != nil {
			return nil, err
		}
	}
}

func (r *Runtime) secretsOnce(e *execution) (transport.Secrets, error) {
	ctx, cancel := context.WithTimeout(e.ctx, callTimeout)
	defer cancel()
	return r.transport.Secrets(ctx, e.report.StateID)
}

// finish decides the outcome of an execution and hands it to the reporter.
func (r *Runtime) finish(e *execution, outputs []transport.Object, err error, took time.Duration) {
	defer e.cancel(nil) // also if a hook ends the goroutine
	outcome, wire, size := r.decide(e, outputs, err)
	redact := e.work.redact
	e.letGo()
	if e.traced.Load() == nil { // its secrets could not be had
		r.traceStarted(e, redact)
	}
	if !e.settle(outcome, wire, size, redact.needed(wire)) {
		// A heartbeat or the drain has decided the outcome.
		outcome = Outcome{Kind: Returned, After: putBackAfter}
		if errors.Is(context.Cause(e.ctx), ErrLeaseLost) {
			outcome = Outcome{Kind: Lost}
		}
	}
	r.counters.busy.Add(int64(took))
	r.traceFinished(e, redact, outcome, took)
}

// decide is outcomeOf, guarded against methods of the values that the node
// returned.
func (r *Runtime) decide(e *execution, outputs []transport.Object, err error) (o Outcome, wire transport.Outcome, size int) {
	defer func() {
		if p := recover(); p != nil {
			o, wire, size = r.failed(e.work.redact, r.panicked(e, p))
		}
	}()
	return r.outcomeOf(e, outputs, err)
}

// outcomeOf returns the outcome of a node's return: for the runtime, on the
// wire, and its size on the wire.
func (r *Runtime) outcomeOf(e *execution, outputs []transport.Object, err error) (Outcome, transport.Outcome, int) {
	if err != nil {
		return r.signalled(e, err)
	}
	size := 0
	for _, o := range outputs {
		size += len(o)
	}
	if size > maxOutputBytes {
		return r.failed(e.work.redact, tooLarge("outputs", size))
	}
	return Outcome{Kind: Executed, Outputs: len(outputs)}, transport.Executed{Outputs: outputs, Checked: e.node.plain}, size
}

// signalled is outcomeOf for a node that returned an error, which may be a
// signal.
func (r *Runtime) signalled(e *execution, err error) (Outcome, transport.Outcome, int) {
	var (
		prune   *node.PruneSignal
		requeue *node.RequeueSignal
	)
	switch {
	case errors.As(err, &prune):
		data, size, err := frozen(prune.Data)
		if err != nil {
			return r.failed(e.work.redact, err)
		}
		return Outcome{Kind: Pruned}, transport.Pruned{Data: data}, size
	case errors.As(err, &requeue):
		if requeue.After <= 0 {
			return r.failed(e.work.redact, fmt.Errorf("requeue: duration must be positive, got %v", requeue.After))
		}
		return Outcome{Kind: Requeued, After: requeue.After}, transport.Requeued{After: requeue.After}, 0
	case errors.Is(context.Cause(e.ctx), errDrained):
		// Cut short by the runtime: not a failure of the node.
		return Outcome{Kind: Returned, After: putBackAfter}, transport.Requeued{After: putBackAfter}, 0
	}
	return r.failed(e.work.redact, err)
}

func tooLarge(what string, size int) error {
	return Permanent(fmt.Errorf("%s: %d bytes exceed the limit of %d: "+
		"pass large data by reference", what, size, maxOutputBytes))
}

// frozen returns the data of a prune as it is now, and its size in JSON. Every
// attempt to report it must send the same data.
func frozen(data map[string]any) (map[string]any, int, error) {
	text, err := json.Marshal(data)
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("prune: encode data: %w", err)
	case len(text) > maxOutputBytes:
		return nil, 0, tooLarge("prune data", len(text))
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return nil, 0, err
	}
	if members == nil {
		members = map[string]any{}
	}
	return members, len(text), nil
}

func (r *Runtime) failed(redact *redactor, err error) (Outcome, transport.Outcome, int) {
	text := truncate(redact.text(err.Error()), maxErrorBytes)
	// Only the text is kept: errors that err wraps may hold secrets.
	shown := errors.New(text)
	permanent := node.IsPermanent(err)
	if permanent {
		shown = node.Permanent(shown)
	}
	return Outcome{Kind: Errored, Err: shown}, transport.Errored{Message: text, Permanent: permanent}, len(text)
}

// truncate cuts s to at most n bytes, between runes.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const more = "… (cut)"
	n -= len(more)
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + more
}
