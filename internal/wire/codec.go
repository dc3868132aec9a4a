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
// nothing that may block is to be done with a frame in hand, but for what the
// methods of a Val's type do; if they panic, the frame goes back all the same.
type Codec[T any] struct {
	plan

	frames []*frame[T]
}

// A frame is a T with the addresses of its fields.
type frame[T any] struct {
	mu    sync.Mutex // held by the call that uses the frame
	v     T
	at    []slot   // the fields of v, in the order of the plan
	found []member // what Decode has found for each field
	buf   []byte   // where Decode and Encode gather their results
	text  []byte   // where Encode makes the text of a value
}

// A slot is a field in a frame.
type slot struct {
	s    *string // of a string, and of a Val that is one
	cell cell    // of any other Val
	ref  *Ref    // of a Val
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
	p, problems := planOf(t)
	if len(problems) > 0 {
		return nil, &DefinitionError{Type: typeName(t), Problems: problems, Fields: p.fields}
	}
	first, _ := codecs.LoadOrStore(t, newCodec[T](p))
	return first.(*Codec[T]), nil
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
	f := &frame[T]{at: make([]slot, n), found: make([]member, n)}
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
	ref, v := p.Interface().(valued).ref(), p.Elem().Field(0).Addr()
	if f.kind == formString {
		return slot{s: pointer[string](v), ref: ref}
	}
	return slot{cell: f.bind(v), ref: ref}
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
	f := c.take()
	defer c.release(f)
	err := c.find(raw, f.found)
	if err == nil {
		err = c.assign(raw, f)
	}
	if err == nil {
		v = f.v
	}
	return v, err
}

// find notes in found which member of raw holds which field.
func (c *Codec[T]) find(raw []byte, found []member) error {
	for i := range found {
		found[i].kind = Null
	}
	s := scanner[[]byte]{src: raw}
	next := 0 // members mostly come in the order of the fields
	for {
		m, ok, err := s.next()
		if err != nil || !ok {
			return err
		}
		key, i := raw[m.key.start:m.key.end], next
		if !m.key.plain || i >= len(c.fields) || c.fields[i].Name != string(key) {
			i = c.lookup(key, m.key.plain)
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
		key = unescape(nil, key)
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
func (c *Codec[T]) assign(raw []byte, f *frame[T]) error {
	size := 0
	for i := range f.found {
		if m := &f.found[i]; m.kind == String {
			if f.at[i].s != nil {
				size += m.val.end - m.val.start
			}
		} else if m.kind == Other || c.fields[i].Required {
			return c.explain(raw, f.found)
		}
	}
	var wrong ValueErrors
	buf := slices.Grow(f.buf[:0], size)
	for i := range f.found {
		m := &f.found[i]
		if m.kind != String {
			continue
		}
		start, val := len(buf), raw[m.val.start:m.val.end]
		if f.at[i].s == nil {
			if !m.val.plain {
				buf = unescape(buf, val)
				val = buf[start:]
			}
			wrong = c.parse(f, i, val, wrong)
			clear(buf[start:])
			buf = buf[:start]
			continue
		}
		if m.val.plain {
			buf = append(buf, val...)
		} else {
			buf = unescape(buf, val)
		}
		m.val.start, m.val.end = start, len(buf)
	}
	text := string(buf)
	for i := range f.found {
		m, at := &f.found[i], &f.at[i]
		switch {
		case m.kind != String:
			wrong = c.absent(f, i, wrong)
		case at.s != nil:
			*at.s = text[m.val.start:m.val.end]
			if at.ref != nil {
				at.ref.origin = given
			}
		}
	}
	f.keep(buf)
	if wrong != nil {
		return wrong
	}
	return nil
}

// parse sets a field that has a cell.
func (c *Codec[T]) parse(f *frame[T], i int, text []byte, wrong ValueErrors) ValueErrors {
	at, field, val := &f.at[i], &c.fields[i], &c.values[i]
	if len(text) == 0 && !val.form.empty {
		if !field.Required {
			return c.absent(f, i, wrong)
		}
		return append(wrong, ValueError{Field: field.Name, Type: field.Type, Reason: isEmpty})
	}
	if err := at.cell.parse(text); err != nil {
		return append(wrong, ValueError{Field: field.Name, Type: field.Type, Text: string(text), Reason: err})
	}
	at.ref.origin = given
	return wrong
}

// absent sets a field that is not there to its default.
func (c *Codec[T]) absent(f *frame[T], i int, wrong ValueErrors) ValueErrors {
	at, field, val := &f.at[i], &c.fields[i], &c.values[i]
	switch {
	case at.ref == nil:
		*at.s = field.Default
		return wrong
	case !field.HasDefault: // and zero
		return wrong
	case at.s != nil:
		*at.s = field.Default
	default:
		if err := at.cell.parse(val.fallback); err != nil {
			return append(wrong, ValueError{Field: field.Name, Type: field.Type, Text: field.Default, Reason: err})
		}
	}
	at.ref.origin = given
	return wrong
}

// explain is the error for what was found.
func (c *Codec[T]) explain(raw []byte, found []member) error {
	var missing, wrong []string
	for i, m := range found {
		switch {
		case m.kind == Null && c.fields[i].Required:
			missing = append(missing, c.fields[i].Name)
		case m.kind == Other:
			wrong = append(wrong, fmt.Sprintf("field %q is %s, want a string (other values travel as text, see exo.Val)",
				c.fields[i].Name, describe(raw[m.val.start])))
		}
	}
	if len(missing) > 0 {
		wrong = append(wrong, missingFields(missing).Error())
	}
	return errors.New(strings.Join(wrong, "; "))
}

// describe is what a value that begins with c is.
func describe(c byte) string {
	switch c {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
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
	f := c.take()
	defer c.release(f)
	var missing []string
	var wrong ValueErrors
	for i := range c.fields {
		field, at := &c.fields[i], &f.at[i]
		val, ok := fields[field.Name]
		switch {
		case !ok && field.Required:
			missing = append(missing, field.Name)
		case !ok:
			wrong = c.absent(f, i, wrong)
		case at.s == nil:
			wrong = c.parse(f, i, []byte(val), wrong)
		default:
			*at.s = val
			if at.ref != nil {
				at.ref.origin = given
			}
		}
	}
	var err error
	switch {
	case len(missing) > 0:
		err = missingFields(missing)
	case wrong != nil:
		err = wrong
	default:
		v = f.v
	}
	return v, err
}

// Append appends v to dst as a JSON object that has all of T's fields, in their
// order. The error names the field whose value has no text, or is a reference.
func (c *Codec[T]) Append(dst []byte, v T) ([]byte, error) {
	if len(c.fields) == 0 {
		return append(dst, '{', '}'), nil
	}
	f := c.take()
	defer c.release(f)
	f.v = v
	n := len(dst)
	dst, err := c.appendFields(dst, f)
	if err != nil {
		dst = dst[:n]
	}
	return dst, err
}

func (c *Codec[T]) appendFields(dst []byte, f *frame[T]) ([]byte, error) {
	for i := range f.at {
		at := &f.at[i]
		if at.ref != nil {
			if _, is := Template(*at.ref); is {
				return dst, fmt.Errorf("field %q is a reference to a step's output, and not a value: references are for the inputs of a graph's steps", c.fields[i].Name)
			}
		}
		dst = append(dst, c.label[i]...)
		if at.s != nil {
			dst = AppendString(dst, *at.s)
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
	f := c.take()
	defer c.release(f)
	f.v = v
	buf, err := c.appendFields(f.buf[:0], f)
	var raw []byte
	if err == nil {
		raw = append(raw, buf...)
	}
	f.keep(buf)
	return raw, err
}
