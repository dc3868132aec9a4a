package httpapi

import "sync"

// waits are the claims that can be woken by name (protocol.md §13, wait). The
// zero value is fit for use.
type waits struct {
	mu    sync.Mutex
	stops map[waitKey]chan struct{}
}

type waitKey struct{ namespace, id string }

// begin names a claim that is about to wait. What it returns is closed when the
// claim is woken. Of two claims of one name the later can be.
func (w *waits) begin(key waitKey) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stops == nil {
		w.stops = map[waitKey]chan struct{}{}
	}
	stop := make(chan struct{})
	w.stops[key] = stop
	return stop
}

// end forgets the name of a claim that has waited.
func (w *waits) end(key waitKey, stop <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stops[key] == stop {
		delete(w.stops, key)
	}
}

// wake ends the wait of the claim of that name. It reports false if there is
// none.
func (w *waits) wake(key waitKey) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	stop, ok := w.stops[key]
	if ok {
		close(stop)
		delete(w.stops, key)
	}
	return ok
}

func wake(c *call, b *wakeBody) error {
	return c.json(wakeAnswer{Woken: c.waits.wake(waitKey{c.namespace(), b.WaitID})})
}
