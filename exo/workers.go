package exo

import "sync"

// maxParked is the largest number of idle workers that are kept. More would
// only hold memory: starting one takes a microsecond.
const maxParked = 16

// workers execute states, each in a goroutine that is started when needed.
//
// They are woken one at a time, and one that leaves states waiting wakes the
// next. So nodes that return at once are executed by few goroutines, without a
// switch for each state, and nodes that wait by as many as there are states.
type workers struct {
	execute func(*execution)

	mu     sync.Mutex
	queue  []*execution // a ring of waiting states, in order
	first  int          // index of the first
	count  int          // number of waiting states
	parked []chan struct{}
	waking bool // a worker was woken or started and has not looked into the queue yet
	alive  int
	closed bool

	all sync.WaitGroup
}

// newWorkers returns up to n workers. The caller never adds more than n states
// that have not been executed.
func newWorkers(n int, execute func(*execution)) *workers {
	return &workers{execute: execute, queue: make([]*execution, n)}
}

// add queues a state for execution.
func (w *workers) add(e *execution) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue[(w.first+w.count)%len(w.queue)] = e
	w.count++
	w.wake()
}

// wake makes sure that a worker looks into the queue, if it is not empty. The
// lock is held.
func (w *workers) wake() {
	if w.count == 0 || w.waking {
		return
	}
	if last := len(w.parked) - 1; last >= 0 { // its stack is the warmest
		w.waking = true
		w.parked[last] <- struct{}{}
		w.parked = w.parked[:last]
	} else if w.alive < len(w.queue) { // otherwise one is about to look
		w.waking = true
		w.alive++
		w.all.Go(w.work)
	}
}

// work is one worker. A node that calls runtime.Goexit ends the worker too.
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

// next waits for a state. It returns nil to a worker that is no longer needed.
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

// wait waits until everything added has been executed. The workers must be
// closed.
func (w *workers) wait() { w.all.Wait() }
