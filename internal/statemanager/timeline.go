package statemanager

// A timeline is a priority queue of items, ordered by time and then by order.
// Entries are not removed from its middle: stale ones are skipped when their
// time comes, or removed by compact.
type timeline[T any] struct {
	heap []moment[T]
}

type moment[T any] struct {
	at    int64  // Unix nanoseconds
	order uint64 // among items with the same time
	item  T
}

func (m *moment[T]) before(o *moment[T]) bool {
	return m.at < o.at || m.at == o.at && m.order < o.order
}

func (t *timeline[T]) len() int { return len(t.heap) }

func (t *timeline[T]) push(at int64, order uint64, item T) {
	t.heap = append(t.heap, moment[T]{at, order, item})
	t.up(len(t.heap) - 1)
}

// first returns the earliest entry. The timeline must not be empty.
func (t *timeline[T]) first() *moment[T] { return &t.heap[0] }

// drop removes the earliest entry.
func (t *timeline[T]) drop() {
	last := len(t.heap) - 1
	t.heap[0] = t.heap[last]
	t.heap[last] = moment[T]{}
	t.heap = t.heap[:last]
	t.down(0)
}

// compact keeps the entries that live accepts.
func (t *timeline[T]) compact(live func(*moment[T]) bool) {
	kept := t.heap[:0]
	for i := range t.heap {
		if live(&t.heap[i]) {
			kept = append(kept, t.heap[i])
		}
	}
	clear(t.heap[len(kept):])
	t.heap = kept
	if cap(kept) > 2*len(kept)+64 {
		t.heap = append(make([]moment[T], 0, len(kept)), kept...)
	}
	for i := (len(t.heap) - 2) / fanout; i >= 0; i-- {
		t.down(i)
	}
}

// fanout is the number of children of an entry of the heap. Four makes it half
// as deep as two, and the children lie side by side.
const fanout = 4

func (t *timeline[T]) up(i int) {
	m := t.heap[i]
	for i > 0 {
		parent := (i - 1) / fanout
		if !m.before(&t.heap[parent]) {
			break
		}
		t.heap[i] = t.heap[parent]
		i = parent
	}
	t.heap[i] = m
}

func (t *timeline[T]) down(i int) {
	if i >= len(t.heap) {
		return
	}
	m := t.heap[i]
	for {
		begin := fanout*i + 1
		if begin >= len(t.heap) {
			break
		}
		least := begin
		for c := begin + 1; c < min(begin+fanout, len(t.heap)); c++ {
			if t.heap[c].before(&t.heap[least]) {
				least = c
			}
		}
		if !t.heap[least].before(&m) {
			break
		}
		t.heap[i] = t.heap[least]
		i = least
	}
	t.heap[i] = m
}
