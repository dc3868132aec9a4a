package statemanager

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// A lease bounds how long a claimed state stays with its worker (protocol.md
// §13). If the worker asked for the lease and it ends before a report arrives,
// the state has failed: it is retried as usual, with the error "lease expired",
// and later reports of the worker are refused. So a worker that dies strands no
// state, and a state that kills its workers runs out of retries.
//
// A worker that asked for no lease does not know of leases and may just be
// slow. When the default lease of its claim ends, the same state is offered
// again: it is CREATED, and no attempt is used up. It is offered again as often
// as the retry policy grants attempts, at least once. When the next lease ends
// after that, it is ERRORED with "lease expired". A late report is accepted
// while no other worker has claimed the state. Afterwards the response is the
// same as if it were accepted, but the report is ignored (see stray), because
// runtimes of other SDKs may stop when they are refused.
//
// The token of a lease proves that a report is about this claim and not an
// earlier one of the same state. It grows from claim to claim, and has random
// digits so that no one guesses one by mistake.

// leaseError is the error of states whose lease has ended.
const leaseError = "lease expired"

// tokenRandom is the number of random bits of a token.
const tokenRandom = 24

// grant gives a lease to a state that is about to be QUEUED. asked says that
// its worker asked for a lease, and so knows of tokens.
func (e *Engine) grant(st *state, lease time.Duration, asked bool) {
	st.token, st.lapsed = 0, false
	if lease <= 0 {
		return
	}
	e.claimed++
	st.token = e.claimed<<tokenRandom | e.rand.Uint64()>>(64-tokenRandom)
	st.tokenless = !asked
	st.expiry = after(e.now, lease)
	e.sweepLeases() // before the push: the state is not QUEUED yet
	e.leased++
	e.leases.push(st.expiry, st.token, st)
}

// nextLease returns the entry of the lease that ends next, or nil.
func (e *Engine) nextLease() *moment[*state] {
	for e.leases.len() > 0 {
		m := e.leases.first()
		if !underLease(m) {
			e.leases.drop()
			continue
		}
		if m.at == m.item.expiry {
			return m
		}
		st := m.item // a heartbeat has moved the end
		e.leases.drop()
		e.leases.push(st.expiry, st.token, st)
	}
	return nil
}

// underLease reports whether the lease of an entry is still in force.
func underLease(m *moment[*state]) bool {
	return m.item.status == queued && m.item.token == m.order
}

// sweepLeases removes entries of leases that a report has ended, once they are
// the majority.
func (e *Engine) sweepLeases() {
	const few = 64
	if e.leases.len() > 2*e.leased+few {
		e.leases.compact(underLease)
	}
}

// expire ends the lease of a state.
func (e *Engine) expire(st *state) {
	switch {
	case !st.tokenless:
		st.expired = true
		e.fail(st, leaseError, false)
	case int(st.offered) <= st.run.program.retry.MaxRetries:
		st.offered++
		st.stray, st.lapsed = true, true
		e.schedule(st, e.now)
	default:
		st.stray = true
		e.fail(st, leaseError, true)
	}
	e.settled()
}

// holds reports whether the worker with this token holds the state.
func (st *state) holds(token string) bool {
	if st.token == 0 || token == "" && st.tokenless {
		return true
	}
	return token == tokenText(st.token)
}

func tokenText(token uint64) string {
	const digits = 16
	text := strconv.FormatUint(token, 16)
	if len(text) < digits {
		text = "0000000000000000"[len(text):] + text
	}
	return text
}

// Heartbeat extends the leases of these states, given by ID with their tokens,
// to at least lease from now. A lease of 0 or less means the default lease.
// Heartbeat never shortens a lease. lost lists, sorted, the IDs of states that
// the caller does not hold.
func (e *Engine) Heartbeat(now time.Time, ns string, leases map[string]string, lease time.Duration) (lost []string) {
	e.enter(now)
	defer e.mu.Unlock()
	if lease <= 0 {
		lease = e.defaultLease
	}
	for _, id := range slices.Sorted(maps.Keys(leases)) {
		st, ok := e.state(id)
		if !ok || st.place.namespace != ns || st.status != queued || !st.holds(leases[id]) {
			lost = append(lost, id)
			continue
		}
		st.expiry = max(st.expiry, after(e.now, lease))
	}
	return lost
}
