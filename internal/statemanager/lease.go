package statemanager

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// A lease bounds how long a claimed state stays with its worker (protocol.md
// §13). When one that the worker asked for ends before a report comes, the state
// has failed: it goes down the ordinary way of retries, with the error "lease
// expired", and whatever its worker still reports is refused. So a worker that
// dies strands nothing, and a state that kills its workers runs out of retries.
//
// A worker that asked for none knows nothing of leases, and may just be slow. When
// the default lease of its claim ends, the state is offered again: the same state,
// CREATED, no attempt used up. It is offered again as often as the retry policy
// grants attempts, so at least once; when the next lease ends it is ERRORED, with
// "lease expired". What the worker reports late is taken while nobody else has
// claimed the state; afterwards it is answered as if it were taken, and ignored
// (see stray), because a runtime of another SDK may end at a refusal.
//
// The token of a lease proves that a report is about this claim and not an
// earlier one of the same state: it is larger for later claims, and has random
// digits so that nobody makes one up by mistake.

// leaseError is the error of states whose lease has ended.
const leaseError = "lease expired"

// tokenRandom is the number of random bits of a token.
const tokenRandom = 24

// grant puts a state that is about to be QUEUED under a lease. asked: its worker
// asked for one, and so knows of tokens.
func (e *Engine) grant(st *state, lease time.Duration, asked bool) {
	st.token, st.lapsed = 0, false
	if lease <= 0 {
		return
	}
	e.claimed++
	st.token = e.claimed<<tokenRandom | e.rand.Uint64()>>(64-tokenRandom)
	st.tokenless = !asked
	st.expiry = after(e.now, lease)
	e.leased++
	e.leases.push(st.expiry, st.token, st)
	e.sweepLeases()
}

// nextLease is the entry of the lease that ends next, nil if there is none.
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

// underLease reports whether an entry is of a lease that still counts.
func underLease(m *moment[*state]) bool {
	return m.item.status == queued && m.item.token == m.order
}

// sweepLeases throws away entries of leases that have ended by a report, once
// they are the most.
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

// holds reports whether a worker that shows this token holds the state.
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

// Heartbeat makes the leases of these states, given with their tokens, last
// until lease from now; a lease of 0 or less is the default one. No lease is cut
// short by it. lost are the ids of those that are not the caller's any more, or
// never were, sorted.
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
