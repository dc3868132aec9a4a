package statemanager

import (
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A status is a [transport.Status] in one byte.
type status uint8

const (
	unborn status = iota // of a state that is being made
	created
	queued
	success
	pruned
	errored
	nextCreatedError
	retryCreated
	cancelled
	statuses // number of statuses
)

var statusNames = [statuses]transport.Status{
	unborn:           "",
	created:          transport.StatusCreated,
	queued:           transport.StatusQueued,
	success:          transport.StatusSuccess,
	pruned:           transport.StatusPruned,
	errored:          transport.StatusErrored,
	nextCreatedError: transport.StatusNextCreatedError,
	retryCreated:     transport.StatusRetryCreated,
	cancelled:        transport.StatusCancelled,
}

// A reportKind is the kind of an outcome in one byte.
type reportKind uint8

const (
	unreported reportKind = iota
	reportedExecuted
	reportedErrored
	reportedPruned
	reportedRequeued
)

// A state is one execution of a placement. There are many of them, so the
// struct is small. EXECUTED is not one of their statuses, because a report and
// what follows from it are one transition.
type state struct {
	id     string
	run    *run
	place  *placement
	parent *state // the direct parent; following it gives the whole ancestry
	group  *group // the branches that a join waits for together with this one

	inputs  transport.Object
	outputs string  // "" until it has outputs
	kept    []value // of the outputs, by placement.reads, if states other than the next ones read them
	note    string  // the error, or the data of a prune

	order            uint64 // of creation, among all states
	created, updated int64
	due              int64
	expiry           int64  // end of the lease
	token            uint64 // of the lease; 0 means none
	digest           digest // of the last report that was accepted

	attempt      int32
	rank         uint32 // among siblings; see rank.go
	offered      int32  // how often it was offered again after a default lease
	status       status
	reported     reportKind
	fate         fate
	retried      bool // errored with retries left: another state has taken over
	expired      bool // the lease that its worker asked for ended before a report
	tokenless    bool // under a lease that its worker did not ask for: it may report without the token
	lapsed       bool // CREATED again since its default lease ended, and not claimed since
	stray        bool // a worker without a lease may have it and not know that it has lost it
	fanned       bool // one of the siblings of a fan-out
	unresolvable bool // a join whose inputs could not be made
}

// newState makes a state without a status. become gives it its first.
func (e *Engine) newState(r *run, p *placement, parent *state, g *group) *state {
	e.created++
	st := r.alloc()
	st.run, st.place, st.parent, st.group = r, p, parent, g
	st.order = e.created
	st.created, st.updated, st.due = e.now, e.now, e.now
	e.ids.add(st, e.rand)
	r.states = append(r.states, st)
	if p.gathered {
		gather(st)
	}
	return st
}

// schedule makes a new or requeued state claimable from due on.
func (e *Engine) schedule(st *state, due int64) {
	st.due = due
	e.become(st, created)
	st.place.queue.ready.push(due, st.order, st)
}

// become is the only place where a state's status changes.
func (e *Engine) become(st *state, to status) {
	from := st.status
	st.status = to
	st.updated = e.now
	r := st.run
	r.counts[from]--
	r.counts[to]++
	if from == queued && st.token != 0 {
		e.leased--
	}
	e.touched = r
	if e.onChange != nil {
		e.changes = append(e.changes, changed{st, from, to, st.due})
	}
}

// changed is a transition that OnChange has not been called for yet.
type changed struct {
	st       *state
	from, to status
	due      int64
}

// settled ends the transition of a run: it records whether the run is terminal
// and calls OnChange.
func (e *Engine) settled() {
	r := e.touched
	if r == nil {
		return
	}
	e.touched = nil
	atRest := r.atRest()
	for i := range e.changes {
		c := &e.changes[i]
		e.onChange(Change{
			Namespace: c.st.place.namespace, Node: c.st.place.node,
			StateID: c.st.id, RunID: r.id,
			From: statusNames[c.from], To: statusNames[c.to],
			Due: timeOf(c.due), RunAtRest: atRest,
		})
	}
	e.changes = trim(e.changes)
	e.rest(r, atRest)
}

// ancestor returns the state of p that st descends from. The checks of the
// graph guarantee that there is one.
func (st *state) ancestor(p *placement) *state {
	for a := st.parent; a != nil; a = a.parent {
		if a.place == p {
			return a
		}
	}
	return nil
}

// detail returns everything about a state.
func (st *state) detail() transport.State {
	d := transport.State{
		ID: st.id, Node: st.place.node, Identifier: st.place.identifier,
		Graph: st.run.program.graph, RunID: st.run.id, Status: statusNames[st.status],
		Inputs:  append(transport.Object(nil), st.inputs...),
		Outputs: transport.Object(emptyObject),
		Parents: st.parents(), Attempt: int(st.attempt), Place: st.position(),
		CreatedAt: timeOf(st.created), UpdatedAt: timeOf(st.updated),
	}
	if st.outputs != "" {
		d.Outputs = transport.Object(st.outputs)
	}
	if st.reported == reportedPruned {
		d.Data = []byte(st.note)
	} else {
		d.Error = st.note
	}
	return d
}

// parents returns the ancestry, the root first, or nil if there is none.
func (st *state) parents() []transport.Parent {
	n := 0
	for a := st.parent; a != nil; a = a.parent {
		n++
	}
	if n == 0 {
		return nil
	}
	all := make([]transport.Parent, n)
	for a := st.parent; a != nil; a = a.parent {
		n--
		all[n] = transport.Parent{Identifier: a.place.identifier, StateID: a.id}
	}
	return all
}

func (st *state) claim(lease time.Duration) transport.Claimed {
	c := transport.Claimed{
		ID: st.id, Node: st.place.node, Identifier: st.place.identifier,
		Inputs: st.inputs, CreatedAt: timeOf(st.created),
		Graph: st.run.program.graph, RunID: st.run.id, Attempt: int(st.attempt),
	}
	if st.token != 0 {
		c.Lease, c.Token = lease, tokenText(st.token)
	}
	return c
}

const emptyObject = "{}"

// trim empties a scratch slice, and releases it if it has grown large.
func trim[T any](s []T) []T {
	const large = 1 << 12
	if cap(s) > large {
		return nil
	}
	clear(s)
	return s[:0]
}
