package statemanager

import (
	"fmt"
	"slices"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A value is a field of a state's outputs.
type value struct {
	kind valueKind
	text string // of valueText
}

type valueKind uint8

const (
	valueMissing valueKind = iota
	valueText
	valueNull
	valueOther // JSON other than a string
)

// MaxOutputs is the largest number of outputs of one state. Each becomes a
// state.
const MaxOutputs = 1_000_000

// executed records the outputs of a state. The first is the state's own; each
// of the others becomes a sibling (protocol.md §8). Then the next states of all
// of them are made.
func (e *Engine) executed(st *state, o *outcome) error {
	if len(o.outputs) > MaxOutputs {
		return refused(opReport, graph.Wrong(graph.TooMany{Most: MaxOutputs, Got: len(o.outputs)}, nil, "outputs"))
	}
	outputs, values, err := e.takeOutputs(st.place, o.outputs)
	if err != nil {
		return err
	}
	st.take(o)
	defer func() {
		e.scratchOutputs = trim(outputs)
		e.scratchValues = trim(e.scratchValues)
	}()

	// Siblings come before the states that follow them, in order of creation.
	first := len(st.run.states)
	for i := 1; i < len(outputs); i++ {
		y := e.newState(st.run, st.place, st.parent, st.group)
		y.inputs, y.attempt, y.due = st.inputs, st.attempt, st.due
	}
	siblings := st.run.states[first:]
	rankSiblings(st, siblings)
	var arrivals []arrival
	for i, out := range outputs {
		y := st
		if i > 0 {
			y = siblings[i-1]
		}
		y.outputs = out
		n := len(st.place.reads)
		own := values[i*n : (i+1)*n : (i+1)*n]
		if st.place.keeps {
			y.kept = own
		}
		sc, ok := e.succeed(y, own)
		if ok && e.rules.onArrival && len(y.place.arrives) > 0 {
			arrivals = append(arrivals, arrival{y, sc})
		}
	}
	e.leave(st.group)
	for _, a := range arrivals {
		e.arrive(a)
	}
	return nil
}

// takeOutputs copies outputs, at least one, and extracts the values that inputs
// read: len(p.reads) for each. If one is not a JSON object, all are refused.
func (e *Engine) takeOutputs(p *placement, given []transport.Object) ([]string, []value, error) {
	outputs := e.scratchOutputs[:0]
	for _, o := range given {
		outputs = append(outputs, string(o))
	}
	if len(outputs) == 0 {
		outputs = append(outputs, emptyObject)
	}
	n := len(p.reads)
	var values []value
	if p.keeps {
		values = make([]value, n*len(outputs))
	} else {
		for len(e.scratchValues) < n*len(outputs) {
			e.scratchValues = append(e.scratchValues, value{})
		}
		values = e.scratchValues
	}
	var wrong graph.Problems
	for i, out := range outputs {
		if err := p.capture(out, values[i*n:(i+1)*n]); err != nil {
			wrong.Add(graph.NotObject{Reason: err.Error()}, nil, "outputs", i)
			if len(wrong) == maxProblems {
				break
			}
		}
	}
	if err := refused(opReport, wrong...); err != nil {
		e.scratchOutputs, e.scratchValues = trim(outputs), trim(e.scratchValues)
		return nil, nil, err
	}
	return outputs, values, nil
}

// maxProblems is the largest number of problems reported for one list.
const maxProblems = 100

// capture checks that outputs is a JSON object and extracts the fields that
// inputs read. The others it skips.
func (p *placement) capture(outputs string, values []value) error {
	s := jsontext.Scan(outputs)
	return s.Document(func(name jsontext.Span) error {
		i := slices.Index(p.reads, s.Text(name))
		if i < 0 {
			return s.Skip()
		}
		text, kind, err := s.Value()
		switch kind {
		case jsontext.String:
			values[i] = value{valueText, s.Text(text)}
		case jsontext.Null:
			values[i] = value{kind: valueNull}
		case jsontext.Other:
			values[i] = value{kind: valueOther}
		}
		return err
	})
}

// succeed makes the next states of a state that has its outputs. own are the
// values of its outputs. If one of the next states cannot be made, none is, and
// the state becomes NEXT_CREATED_ERROR without affecting its siblings. succeed
// returns the state's scope if it is an anchor.
func (e *Engine) succeed(st *state, own []value) (sc *scope, ok bool) {
	inputs, err := e.nextInputs(st, own)
	if err != nil {
		st.note = err.Error()
		e.become(st, nextCreatedError)
		st.group.failed++
		return nil, false
	}
	e.become(st, success)
	g := st.group
	if len(st.place.joins) > 0 {
		sc = newScope(st)
		g = &sc.groups[0]
	}
	for i, p := range st.place.next {
		child := e.newState(st.run, p, st, g)
		child.inputs = inputs[i]
		g.enter()
		e.schedule(child, e.now)
	}
	e.scratchNext = trim(inputs)
	if sc != nil {
		e.decide(g)
	}
	return sc, true
}

// nextInputs makes the inputs of the states that follow st.
func (e *Engine) nextInputs(st *state, own []value) ([]transport.Object, error) {
	for _, i := range st.place.mustHave {
		if v := &own[i]; v.kind != valueText {
			return nil, v.unfit(st.place.reads[i], "current state", st.place.identifier, "the join that collects it")
		}
	}
	list := e.scratchNext[:0]
	for _, p := range st.place.next {
		in, err := e.inputs(p, st, own, nil)
		if err != nil {
			e.scratchNext = trim(list)
			return nil, err
		}
		list = append(list, in)
	}
	return list, nil
}

// inputs makes the inputs of a state of p that follows st. own are the values
// of st's outputs. sc is the scope of the anchor st if p is a join.
func (e *Engine) inputs(p *placement, st *state, own []value, sc *scope) (transport.Object, error) {
	if p.inputs.constant != nil {
		return p.inputs.constant, nil
	}
	dst := e.scratchJSON[:0]
	for i := range p.inputs.parts {
		var err error
		if dst, err = e.appendPart(dst, &p.inputs.parts[i], p, st, own, sc); err != nil {
			return nil, err
		}
		if len(dst) > MaxStateInputBytes {
			return nil, fmt.Errorf("the inputs of template '%s' are larger than %d bytes", p.identifier, MaxStateInputBytes)
		}
	}
	inputs := append(make(transport.Object, 0, len(dst)), dst...)
	if cap(dst) <= keepScratch {
		e.scratchJSON = dst[:0]
	}
	return inputs, nil
}

// keepScratch is the largest size of a buffer that is kept for the next call.
const keepScratch = 64 << 10

// appendPart appends one part of the inputs of a state of p.
func (e *Engine) appendPart(dst []byte, part *part, p *placement, st *state, own []value, sc *scope) ([]byte, error) {
	switch part.kind {
	case storePart:
		v, ok := st.run.lookup(part.text)
		if !ok {
			return dst, fmt.Errorf("store key '%s' not found for template '%s'", part.text, p.identifier)
		}
		return appendText(dst, v), nil
	case outputPart:
		whose := "current state"
		if part.from != st.place {
			own, whose = st.ancestor(part.from).kept, "state"
		}
		v := &own[part.field]
		if v.kind != valueText {
			return dst, v.unfit(part.from.reads[part.field], whose, part.from.identifier, "template '"+p.identifier+"'")
		}
		return appendText(dst, v.text), nil
	case collectedPart:
		states := sc.collected[part.slot]
		inPlaces(states, sc.anchor)
		return e.appendCollected(dst, states, part), nil
	case branchesPart:
		return e.appendBranches(dst, sc, part), nil
	case literalPart:
	}
	return append(dst, part.text...), nil
}

// unfit returns why a value that is not a string cannot be used in an input, in
// the reference server's words where it has any.
func (v *value) unfit(field, whose, identifier, reader string) error {
	problem := "is not a string"
	switch v.kind {
	case valueMissing:
		problem = "not found"
	case valueNull:
		problem = "is null"
	case valueText, valueOther:
	}
	return fmt.Errorf("Output field '%s' %s on %s '%s' for %s", field, problem, whose, identifier, reader) //nolint:staticcheck // begins a sentence of the state's error
}

// lookup returns the value of a key of the run's store. A removed key falls
// back to its default.
func (r *run) lookup(key string) (string, bool) {
	v, ok := r.store[key]
	if !ok {
		v, ok = r.program.defaults[key]
	}
	return v, ok
}
