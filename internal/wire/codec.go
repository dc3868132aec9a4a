package wire

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A Codec decodes and encodes the structs of one type. It is immutable to its
// users and safe for concurrent use.
//
// Behind it are some frames, all made by Compile: no reflection happens later,
// whatever the load. A call that finds every frame in use waits for one. So
// nothing that may block is to be done with a frame in hand; see loose.go for values
// whose methods may.
type Codec[T any] struct {
	plan

	frames []*frame[T]
}

// A frame is a T with the addresses of its fields.
type frame[T any] struct {
	mu    sync.Mutex // held by the call that uses the frame
	v     T
	at    []slot            // the fields of v, in the order of the plan
	found []jsontext.Member // what Decode has found for each field
	buf   []byte            // where Decode and Encode gather their results
	text  []byte            // where Encode makes the text of a value
}

// A slot is a field in a frame.
type slot struct {
	s     *string // of a string, and of a Val that is one
	place place   // of a Val that is loose
	cell  cell    // of any other Val
	ref   *source // of a Val
}

// maxBuffer is how large a frame's buffer may be and still be kept.
const maxBuffer = 64 << 10

// keep keeps buf, emptied, for the next use of the frame.
func (f *frame[T]) keep(buf []byte) {
	f.buf = nil
	if cap(buf) <= maxBuffer {
		clear(buf)
		f.buf = buf
	}
}

// keepText is keep for what has held the text of a value.
func (f *frame[T]) keepText(text []byte) {
	f.text = nil
	if cap(text) <= maxBuffer {
		clear(text)
		f.text = text
	}
}

// codecs holds a *Codec[T] for each type that was ever compiled.
var codecs sync.Map // reflect.Type → any

// Compile gives the codec of T, a struct all of whose fields are strings or Vals.
// It is made once for each T. If T is not fit, the error is a [*DefinitionError].
//
// Embedded structs are flattened. A field is called by its json tag, else by its
// name. It may be left out if the tag says omitempty or omitzero, or if there is
// a default= in its jsonschema tag, which it then decodes to. It is always
// encoded.
func Compile[T any]() (*Codec[T], error) {
	t := reflect.TypeFor[T]()
	if c, ok := codecs.Load(t); ok {
		return c.(*Codec[T]), nil
	}
	p, problems := planOf(t, false)
	if len(problems) > 0 {
		return nil, &DefinitionError{Type: typeName(t), Problems: problems, Fields: p.fields}
	}
	first, _ := codecs.LoadOrStore(t, newCodec[T](p))
	return first.(*Codec[T]), nil
}

// CompileSecrets is [Compile] for a struct all of whose fields are strings or
// Revealers: a Val shows what is in it.
func CompileSecrets[T any]() (*Codec[T], error) {
	t := reflect.TypeFor[T]()
	if p, problems := planOf(t, true); len(problems) > 0 {
		return nil, &DefinitionError{Type: typeName(t), Problems: problems, Fields: p.fields}
	}
	return Compile[T]()
}

func newCodec[T any](p plan) *Codec[T] {
	c := &Codec[T]{plan: p}
	// A frame is held for a microsecond, without a pause: no more are in use than
	// there are processors, but for goroutines that were preempted.
	for range 2 * runtime.GOMAXPROCS(0) {
		c.frames = append(c.frames, c.newFrame())
	}
	return c
}

// Fields are T's fields, in the order in which they stand. The slice must not
// be modified.
func (c *Codec[T]) Fields() []Field { return c.fields }

// framesMade counts the frames of all codecs.
var framesMade atomic.Int64

func (c *Codec[T]) newFrame() *frame[T] {
	framesMade.Add(1)
	n := len(c.fields)
	f := &frame[T]{at: make([]slot, n), found: make([]jsontext.Member, n)}
	v := reflect.ValueOf(&f.v).Elem()
	for i, index := range c.index {
		f.at[i] = newSlot(v.FieldByIndex(index).Addr(), c.values[i].form)
	}
	return f
}

// newSlot is the slot of the field that p points to: a Val of that form, or a
// string.
func newSlot(p reflect.Value, f *form) slot {
	if f == nil {
		return slot{s: pointer[string](p)}
	}
	val, v := p.Interface().(valued), p.Elem().Field(0).Addr()
	switch {
	case f.kind == formString:
		return slot{s: pointer[string](v), ref: val.where()}
	case f.loose:
		return slot{place: val.place(v.Interface()), ref: val.where()}
	}
	return slot{cell: f.bind(v), ref: val.where()}
}

// take gives a frame whose v is zero, for the caller alone.
func (c *Codec[T]) take() *frame[T] {
	for _, f := range c.frames {
		if f.mu.TryLock() {
			return f
		}
	}
	f := c.frames[rand.N(len(c.frames))]
	f.mu.Lock()
	return f
}

// release gives a frame back, emptied: what was in it may be a secret.
func (c *Codec[T]) release(f *frame[T]) {
	var zero T
	f.v = zero
	f.mu.Unlock()
}

// Decode reads a T from the JSON object raw, and keeps nothing of raw. Members
// that are no field of T are ignored, null stands for an absent member, and of
// two members of one name the last counts.
//
// A Val is decoded from its text. An empty one is that of an absent field, unless
// the type has an empty text, as strings do.
//
// The error names every field that is missing or no string, or is [ValueErrors].
// What it says shows no value. If T has no fields, Decode does not look at raw.
func (c *Codec[T]) Decode(raw []byte) (T, error) {
	var v T
	if len(c.fields) == 0 {
		return v, nil
	}
	var d decoding
	w, err := c.decode(raw, &d)
	if d.later != nil && err == nil {
		w = c.readLoose(w, &d)
	}
	if d.wrong != nil && err == nil {
		err = d.wrong.inOrder()
	}
	if err == nil {
		v = w
	}
	return v, err
}

// decode is Decode with a frame, but for loose values and errors of values.
func (c *Codec[T]) decode(raw []byte, d *decoding) (T, error) {
	f := c.take()
	defer c.release(f)
	err := c.find(raw, f.found)
	if err == nil {
		err = c.assign(raw, f, d)
	}
	return f.v, err
}

// find notes in found which member of raw holds which field.
func (c *Codec[T]) find(raw []byte, found []jsontext.Member) error {
	for i := range found {
		found[i].Kind = jsontext.Null
	}
	s := jsontext.Scan(raw)
	if err := s.Begin(); err != nil {
		return err
	}
	next := 0 // members mostly come in the order of the fields
	for {
		m, ok, err := s.Member()
		if err != nil || !ok {
			return err
		}
		key, i := s.Part(m.Key), next
		if !m.Key.Plain || i >= len(c.fields) || c.fields[i].Name != string(key) {
			i = c.lookup(key, m.Key.Plain)
		}
		if i >= 0 {
			found[i] = m
			next = i + 1
		}
	}
}

// lookup is the number of the field called key, or -1.
func (c *Codec[T]) lookup(key []byte, plain bool) int {
	if !plain {
		key = jsontext.Unescape(nil, key)
	}
	if c.byName != nil {
		if i, ok := c.byName[string(key)]; ok {
			return i
		}
		return -1
	}
	for i := range c.fields {
		if c.fields[i].Name == string(key) {
			return i
		}
	}
	return -1
}

// assign sets the fields to what was found. Their strings share one piece of
// memory, which holds nothing else.
func (c *Codec[T]) assign(raw []byte, f *frame[T], d *decoding) error {
	size := 0
	for i := range f.found {
		if m := &f.found[i]; m.Kind == jsontext.String {
			if f.at[i].s != nil {
				size += m.Val.End - m.Val.Start
			}
		} else if m.Kind == jsontext.Other || c.fields[i].Required {
			return c.explain(raw, f.found)
		}
	}
	buf := slices.Grow(f.buf[:0], size)
	for i := range f.found {
		m := &f.found[i]
		if m.Kind != jsontext.String {
			continue
		}
		start, val := len(buf), raw[m.Val.Start:m.Val.End]
		if f.at[i].s == nil {
			switch {
			case m.Val.Plain:
			case f.at[i].place != nil:
				val = jsontext.Unescape(make([]byte, 0, len(val)), val)
			default:
				buf = jsontext.Unescape(buf, val)
				val = buf[start:]
			}
			c.parse(f, i, val, d)
			clear(buf[start:])
			buf = buf[:start]
			continue
		}
		if m.Val.Plain {
			buf = append(buf, val...)
		} else {
			buf = jsontext.Unescape(buf, val)
		}
		m.Val.Start, m.Val.End = start, len(buf)
	}
	text := string(buf)
	for i := range f.found {
		m, at := &f.found[i], &f.at[i]
		switch {
		case m.Kind != jsontext.String:
			c.absent(f, i, d)
		case at.s != nil:
			*at.s = text[m.Val.Start:m.Val.End]
			if at.ref != nil {
				at.ref.origin = given
			}
		}
	}
	f.keep(buf)
	return nil
}

// parse sets a field that is a Val, and no string, or has it done later.
func (c *Codec[T]) parse(f *frame[T], i int, text []byte, d *decoding) {
	field := &c.fields[i]
	switch {
	case len(text) > 0 || c.values[i].form.empty:
		c.set(f, i, text, d)
	case field.Required:
		d.unfit(i, field, "", errEmpty)
	default:
		c.absent(f, i, d)
	}
}

func (c *Codec[T]) set(f *frame[T], i int, text []byte, d *decoding) {
	at := &f.at[i]
	if at.place != nil {
		d.later = append(d.later, pending{i, at.place.out(), text})
		return
	}
	if err := at.cell.parse(text); err != nil {
		d.unfit(i, &c.fields[i], string(text), err)
		return
	}
	at.ref.origin = given
}

// absent sets a field that is not there to its default.
func (c *Codec[T]) absent(f *frame[T], i int, d *decoding) {
	at, field := &f.at[i], &c.fields[i]
	switch {
	case at.ref == nil:
		*at.s = field.Default
	case !field.HasDefault: // and zero
	case at.s != nil:
		*at.s = field.Default
		at.ref.origin = given
	case at.place != nil:
		c.set(f, i, []byte(field.Default), d) // which others may write to
	default:
		c.set(f, i, c.values[i].fallback, d)
	}
}

// explain is the error for what was found.
func (c *Codec[T]) explain(raw []byte, found []jsontext.Member) error {
	var missing, wrong []string
	for i, m := range found {
		switch {
		case m.Kind == jsontext.Null && c.fields[i].Required:
			missing = append(missing, c.fields[i].Name)
		case m.Kind == jsontext.Other:
			wrong = append(wrong, fmt.Sprintf("field %q is %s, want a string (other values travel as text, see exo.Val)",
				c.fields[i].Name, jsontext.Describe(raw[m.Val.Start])))
		}
	}
	if len(missing) > 0 {
		wrong = append(wrong, missingFields(missing).Error())
	}
	return errors.New(strings.Join(wrong, "; "))
}

func missingFields(names []string) error {
	if len(names) == 1 {
		return fmt.Errorf("missing required field %q", names[0])
	}
	return fmt.Errorf("missing required fields %q", names)
}

// DecodeMap makes a T of its fields by their wire names, by the rules of
// [Codec.Decode].
func (c *Codec[T]) DecodeMap(fields map[string]string) (T, error) {
	var v T
	if len(c.fields) == 0 {
		return v, nil
	}
	var d decoding
	w, missing := c.decodeMap(fields, &d)
	if missing != nil {
		return v, missingFields(missing)
	}
	if d.later != nil {
		w = c.readLoose(w, &d)
	}
	if d.wrong != nil {
		return v, d.wrong.inOrder()
	}
	return w, nil
}

// decodeMap is DecodeMap with a frame, but for loose values and errors of values.
func (c *Codec[T]) decodeMap(fields map[string]string, d *decoding) (v T, missing []string) {
	f := c.take()
	defer c.release(f)
	for i := range c.fields {
		field, at := &c.fields[i], &f.at[i]
		val, ok := fields[field.Name]
		switch {
		case !ok && field.Required:
			missing = append(missing, field.Name)
		case !ok:
			c.absent(f, i, d)
		case at.s == nil:
			c.parse(f, i, []byte(val), d)
		default:
			*at.s = val
			if at.ref != nil {
				at.ref.origin = given
			}
		}
	}
	return f.v, missing
}

// Append appends v to dst as a JSON object that has all of T's fields, in their
// order. The error names the field whose value has no text, or is a reference.
func (c *Codec[T]) Append(dst []byte, v T) ([]byte, error) {
	if len(c.fields) == 0 {
		return append(dst, '{', '}'), nil
	}
	loose, err := c.writeLoose(v)
	if err != nil {
		return dst, err
	}
	f := c.take()
	defer c.release(f)
	f.v = v
	n := len(dst)
	dst, err = c.appendFields(dst, f, loose)
	if err != nil {
		dst = dst[:n]
	}
	return dst, err
}

// appendFields appends the fields of f.v, whose loose values have these texts.
func (c *Codec[T]) appendFields(dst []byte, f *frame[T], loose [][]byte) ([]byte, error) {
	for i := range f.at {
		at := &f.at[i]
		if at.ref != nil {
			if _, is := at.ref.template(); is {
				return dst, fmt.Errorf("field %q is a reference to a step's output, and not a value: references are for the inputs of a graph's steps", c.fields[i].Name)
			}
		}
		dst = append(dst, c.label[i]...)
		if at.s != nil {
			dst = jsontext.AppendString(dst, *at.s)
			continue
		}
		if at.place != nil {
			dst = jsontext.AppendString(dst, loose[i])
			continue
		}
		text, err := at.cell.append(f.text[:0])
		if err != nil {
			return dst, c.noText(i, err)
		}
		dst = jsontext.AppendString(dst, text)
		f.keepText(text)
	}
	return append(dst, '}'), nil
}

// noText is the error for a value that cannot travel.
func (c *Codec[T]) noText(i int, err error) error {
	return fmt.Errorf("field %q: encode %s: %w", c.fields[i].Name, c.fields[i].Type, err)
}

// Encode is what [Codec.Append] appends, in memory of its own size.
func (c *Codec[T]) Encode(v T) ([]byte, error) {
	if len(c.fields) == 0 {
		return []byte("{}"), nil
	}
	loose, err := c.writeLoose(v)
	if err != nil {
		return nil, err
	}
	f := c.take()
	defer c.release(f)
	f.v = v
	buf, err := c.appendFields(f.buf[:0], f, loose)
	var raw []byte
	if err == nil {
		raw = append(raw, buf...)
	}
	f.keep(buf)
	return raw, err
}
