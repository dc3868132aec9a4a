package statemanager

import (
	"encoding/json"
	"strconv"

	"github.com/exospherehost/exo-go/internal/clip"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// appendCollected appends a JSON array of a field of states that have
// succeeded, as the inside of a JSON string.
func (e *Engine) appendCollected(dst []byte, states []*state, p *part) []byte {
	array := append(e.scratchArray[:0], '[')
	for _, st := range states {
		if st.status != success {
			continue
		}
		if len(array) > 1 {
			array = append(array, ',')
		}
		if array = p.appendElement(array, st); len(array) > MaxStateInputBytes {
			break // the caller rejects it
		}
	}
	return e.appendArray(dst, append(array, ']'))
}

// appendElement appends the field of a state that has succeeded. A text that
// the node's schema declares to hold JSON becomes the element itself; other
// texts become strings.
func (p *part) appendElement(array []byte, st *state) []byte {
	if text := st.kept[p.field].text; p.json && json.Valid([]byte(text)) {
		return append(array, text...)
	}
	return jsontext.AppendString(array, st.kept[p.field].text)
}

func (e *Engine) appendArray(dst, array []byte) []byte {
	if cap(array) <= keepScratch {
		e.scratchArray = array[:0]
	}
	return appendText(dst, string(array))
}

// maxBranchError is the largest size of an error in a list of branches, in
// bytes: every branch may have one.
const maxBranchError = 1 << 10

// notRun is the error of a branch that ends before a join on its way.
const notRun = "the join did not run, because a branch that it waits for failed"

// appendBranches appends a JSON array with an object for each branch, as the
// inside of a JSON string (protocol.md §13, collect).
func (e *Engine) appendBranches(dst []byte, sc *scope, p *part) []byte {
	ends := p.ends(sc)
	inPlaces(ends, sc.anchor)
	array := append(e.scratchArray[:0], '[')
	for i, st := range ends {
		if i > 0 {
			array = append(array, ',')
		}
		array = strconv.AppendInt(append(array, `{"index":`...), int64(i), 10)
		array = jsontext.AppendString(append(array, `,"step":`...), st.place.identifier)
		array = jsontext.AppendString(append(array, `,"status":`...), string(statusNames[st.status]))
		switch st.status {
		case success:
			array = p.appendElement(append(array, `,"value":`...), st)
		case unborn:
			array = jsontext.AppendString(append(array, `,"error":`...), notRun)
		case errored, nextCreatedError:
			array = jsontext.AppendString(append(array, `,"error":`...), clip.To(st.note, maxBranchError))
		case created, queued, pruned, retryCreated, cancelled, statuses:
		}
		if array = append(array, '}'); len(array) > MaxStateInputBytes {
			break // the caller rejects it
		}
	}
	return e.appendArray(dst, append(array, ']'))
}

// ends returns where the branches on the way to p.from end: the states of
// p.from, those before it that have not succeeded, and, unborn, the states of
// joins on the way that have not run.
func (p *part) ends(sc *scope) []*state {
	var ends []*state
	for _, at := range p.way {
		for _, st := range sc.collected[at.slot] {
			if st.status != retryCreated && (at.place == p.from || st.status != success) {
				ends = append(ends, st)
			}
		}
	}
	for _, at := range p.way {
		if at.join != nil {
			ends = append(ends, p.unborn(sc, at)...)
		}
	}
	return ends
}

// unborn returns the states that a join on the way would have if it had run.
func (p *part) unborn(sc *scope, at wayPoint) []*state {
	anchors := []*state{sc.anchor}
	if at.join.anchor != sc.anchor.place {
		for _, other := range p.way {
			if other.place == at.join.anchor {
				anchors = sc.collected[other.slot]
			}
		}
	}
	ran := make(map[*state]bool)
	for _, st := range sc.collected[at.slot] {
		if st.status != retryCreated {
			ran[st.parent] = true
		}
	}
	var missing []*state
	for _, anchor := range anchors {
		if anchor.status == success && !ran[anchor] {
			missing = append(missing, &state{run: anchor.run, place: at.place, parent: anchor})
		}
	}
	return missing
}
