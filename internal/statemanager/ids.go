package statemanager

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
)

// State IDs are ObjectIds: 4 bytes of Unix seconds, 5 random bytes and a
// counter of 3 bytes (protocol.md §1). Here the random bytes identify an epoch
// of 2²⁴ states and the counter is the state's place in it, so a state is found
// without a map.

const (
	idBytes     = 12
	idLen       = 2 * idBytes
	epochStates = 1 << 24
	pageStates  = 1 << 10
	blockIDs    = 64 // IDs that share one allocation
)

// An idTable makes IDs and finds states by them.
type idTable struct {
	epochs []*idEpoch
	text   strings.Builder // of the latest IDs, which are slices of it
}

type idEpoch struct {
	tag   [5]byte
	pages []*idPage // nil if all of its states have been dropped
	next  int
}

type idPage struct {
	states [pageStates]*state
	given  int // number of places used
	live   int // number of states not yet removed
}

// add gives st an ID and a place in the table.
func (t *idTable) add(st *state, r *rand.Rand) {
	if len(t.epochs) == 0 || t.epochs[len(t.epochs)-1].next == epochStates {
		ep := &idEpoch{}
		var random [8]byte
		binary.LittleEndian.PutUint64(random[:], r.Uint64())
		copy(ep.tag[:], random[:])
		t.epochs = append(t.epochs, ep)
	}
	ep := t.epochs[len(t.epochs)-1]
	n := ep.next
	ep.next++
	if n%pageStates == 0 {
		ep.pages = append(ep.pages, &idPage{})
	}
	page := ep.pages[n/pageStates]
	page.states[n%pageStates] = st
	page.given++
	page.live++

	var raw [idBytes]byte
	binary.BigEndian.PutUint32(raw[:4], seconds(st.created))
	copy(raw[4:9], ep.tag[:])
	raw[9], raw[10], raw[11] = byte(n>>16), byte(n>>8), byte(n)
	st.id = t.write(raw)
}

// write returns raw in hexadecimal digits.
func (t *idTable) write(raw [idBytes]byte) string {
	if t.text.Cap()-t.text.Len() < idLen {
		t.text = strings.Builder{}
		t.text.Grow(blockIDs * idLen)
	}
	var digits [idLen]byte
	hex.Encode(digits[:], raw[:])
	begin := t.text.Len()
	t.text.Write(digits[:])
	return t.text.String()[begin:]
}

// find returns the state with that ID, or nil.
func (t *idTable) find(id string) *state {
	var raw [idBytes]byte
	if !parseID(id, &raw) {
		return nil
	}
	slot, _ := t.slot(raw)
	if slot == nil || *slot == nil || seconds((*slot).created) != binary.BigEndian.Uint32(raw[:4]) {
		return nil
	}
	return *slot
}

// remove removes a state. The page that is being filled stays, even if all of
// its states have been removed.
func (t *idTable) remove(st *state) {
	var raw [idBytes]byte
	if !parseID(st.id, &raw) {
		return
	}
	slot, page := t.slot(raw)
	if slot == nil || *slot != st {
		return
	}
	*slot = nil
	if (*page).live--; (*page).live == 0 && (*page).given == pageStates {
		*page = nil
	}
}

// slot returns where the table keeps the state with that ID, and its page.
func (t *idTable) slot(raw [idBytes]byte) (**state, **idPage) {
	n := int(raw[9])<<16 | int(raw[10])<<8 | int(raw[11])
	for _, ep := range slices.Backward(t.epochs) {
		if [5]byte(raw[4:9]) != ep.tag || n >= ep.next {
			continue
		}
		page := &ep.pages[n/pageStates]
		if *page == nil {
			return nil, nil
		}
		return &(*page).states[n%pageStates], page
	}
	return nil, nil
}

// parseID parses 24 hexadecimal digits of either case.
func parseID(id string, raw *[idBytes]byte) bool {
	if len(id) != idLen {
		return false
	}
	for i := range raw {
		high, low := hexDigit(id[2*i]), hexDigit(id[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		raw[i] = high<<4 | low
	}
	return true
}

// hexDigit returns the value of a hexadecimal digit, or more than 15 if c is
// not one.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}
