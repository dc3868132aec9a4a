package exo

import "sync"

// maxParked is how many workers are kept for later when there is nothing to do.
// More would only hold memory: to start one takes a microsecond.
const maxParked = 16

// workers execute states, each in a goroutine that is started when it is needed.
//
// They are woken one at a time, and one that leaves states waiting wakes the
// next. So nodes that end at once are executed by few goroutines that need not
// be switched for each state, and nodes that wait by as many as there are states.
type workers struct {
	execute func(*execution)

	mu     sync.Mutex
	queue  []*execution // a ring: those that wait, in order
	first  int          // where in it they begin
	count  int          // of those that wait
	parked []chan struct{}
	waking bool // one was woken or started, and has not looked into the queue yet
	alive  int
	closed bool

	all sync.WaitGroup
}

// newWorkers are at most n. There are never more states added than that and not
// executed.
func newWorkers(n int, execute func(*execution)) *workers {
	return &workers{execute: execute, queue: make([]*execution, n)}
}

// add has a state executed.
func (w *workers) add(e *execution) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue[(w.first+w.count)%len(w.queue)] = e
	w.count++
	w.wake()
}

// wake sees to it that somebody looks into the queue, if there is anything in it.
// The lock is held.
func (w *workers) wake() {
	if w.count == 0 || w.waking {
		return
	}
	if last := len(w.parked) - 1; last >= 0 { // whose stack is the warmest
		w.waking = true
		w.parked[last] <- struct{}{}
		w.parked = w.parked[:last]
	} else if w.alive < len(w.queue) { // else one is about to look
		w.waking = true
		w.alive++
		w.all.Go(w.work)
	}
}

// work is one worker. A node that ends its goroutine by runtime.Goexit takes the
// worker along.
func (w *workers) work() {
	defer w.end()
	woken := make(chan struct{}, 1)
	w.mu.Lock()
	w.waking = false
	w.mu.Unlock()
	for e := w.next(woken); e != nil; e = w.next(woken) {
		w.execute(e)
	}
}

func (w *workers) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alive--
	w.wake()
}

// next waits for a state. It gives nil to a worker that is not needed any more.
func (w *workers) next(woken chan struct{}) *execution {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.count == 0 {
		if w.closed || len(w.parked) == maxParked {
			return nil
		}
		w.parked = append(w.parked, woken)
		w.mu.Unlock()
		<-woken
		w.mu.Lock()
		w.waking = false
	}
	e := w.queue[w.first]
	w.queue[w.first] = nil
	w.first = (w.first + 1) % len(w.queue)
	w.count--
	w.wake()
	return e
}

// close says that nothing more will be added.
func (w *workers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, woken := range w.parked {
		woken <- struct{}{}
	}
	w.parked = nil
}

// wait waits until all that was added has been executed. The workers are closed.
func (w *workers) wait() { w.all.Wait() }
