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
)

// A Codec decodes and encodes the structs of one type. It is immutable to its
// users and safe for concurrent use.
//
// Behind it are some frames, all made by Compile: no reflection happens later,
// whatever the load. A call that finds every frame in use waits for one. So
// nothing that may block or panic is to be done with a frame in hand.
type Codec[T any] struct {
	plan

	frames []*frame[T]
}

// A frame is a T with the addresses of its fields.
type frame[T any] struct {
	mu    sync.Mutex // held by the call that uses the frame
	v     T
	at    []*string // the fields of v, in the order of the plan
	found []member  // what Decode has found for each field
	buf   []byte    // where Decode and Encode gather their results
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

// codecs holds a *Codec[T] for each type that was ever compiled.
var codecs sync.Map // reflect.Type → any

// Compile gives the codec of T, a struct all of whose fields are strings. It is
// made once for each T. If T is not fit, the error is a [*DefinitionError].
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
	c := &Codec[T]{plan: p}
	// A frame is held for a microsecond, without a pause: no more are in use than
	// there are processors, but for goroutines that were preempted.
	for range 2 * runtime.GOMAXPROCS(0) {
		c.frames = append(c.frames, c.newFrame())
	}
	first, _ := codecs.LoadOrStore(t, c)
	return first.(*Codec[T]), nil
}

// Fields are T's fields, in the order in which they stand. The slice must not
// be modified.
func (c *Codec[T]) Fields() []Field { return c.fields }

// framesMade counts the frames of all codecs.
var framesMade atomic.Int64

func (c *Codec[T]) newFrame() *frame[T] {
	framesMade.Add(1)
	n := len(c.fields)
	f := &frame[T]{at: make([]*string, n), found: make([]member, n)}
	v := reflect.ValueOf(&f.v).Elem()
	for i, index := range c.index {
		f.at[i] = v.FieldByIndex(index).Addr().Convert(reflect.TypeFor[*string]()).Interface().(*string)
	}
	return f
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
// The error names every field that is missing or no string. No error of the
// codec shows a value. If T has no fields, Decode does not look at raw.
func (c *Codec[T]) Decode(raw []byte) (T, error) {
	var v T
	if len(c.fields) == 0 {
		return v, nil
	}
	f := c.take()
	err := c.find(raw, f.found)
	if err == nil {
		err = c.assign(raw, f)
	}
	if err == nil {
		v = f.v
	}
	c.release(f)
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
			size += m.val.end - m.val.start
		} else if m.kind == Other || c.fields[i].Required {
			return c.explain(raw, f.found)
		}
	}
	buf := slices.Grow(f.buf[:0], size)
	for i := range f.found {
		m := &f.found[i]
		if m.kind != String {
			continue
		}
		start, val := len(buf), raw[m.val.start:m.val.end]
		if m.val.plain {
			buf = append(buf, val...)
		} else {
			buf = unescape(buf, val)
		}
		m.val.start, m.val.end = start, len(buf)
	}
	text := string(buf)
	for i := range f.found {
		if m := &f.found[i]; m.kind == String {
			*f.at[i] = text[m.val.start:m.val.end]
		} else {
			*f.at[i] = c.fields[i].Default
		}
	}
	f.keep(buf)
	return nil
}

// explain is the error for what was found.
func (c *Codec[T]) explain(raw []byte, found []member) error {
	var missing, wrong []string
	for i, m := range found {
		switch {
		case m.kind == Null && c.fields[i].Required:
			missing = append(missing, c.fields[i].Name)
		case m.kind == Other:
			wrong = append(wrong, fmt.Sprintf("field %q is %s, want a string (other values travel as JSON text, see exo.JSON)",
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
	var missing []string
	for i := range c.fields {
		field := &c.fields[i]
		val, ok := fields[field.Name]
		switch {
		case ok:
			*f.at[i] = val
		case field.Required:
			missing = append(missing, field.Name)
		default:
			*f.at[i] = field.Default
		}
	}
	if len(missing) > 0 {
		c.release(f)
		return v, missingFields(missing)
	}
	v = f.v
	c.release(f)
	return v, nil
}

// Append appends v to dst as a JSON object that has all of T's fields, in their
// order.
func (c *Codec[T]) Append(dst []byte, v T) []byte {
	if len(c.fields) == 0 {
		return append(dst, '{', '}')
	}
	f := c.take()
	f.v = v
	dst = c.appendFields(dst, f)
	c.release(f)
	return dst
}

func (c *Codec[T]) appendFields(dst []byte, f *frame[T]) []byte {
	for i, at := range f.at {
		dst = append(dst, c.label[i]...)
		dst = AppendString(dst, *at)
	}
	return append(dst, '}')
}

// Encode is what [Codec.Append] appends, in memory of its own size.
func (c *Codec[T]) Encode(v T) []byte {
	if len(c.fields) == 0 {
		return []byte("{}")
	}
	f := c.take()
	f.v = v
	buf := c.appendFields(f.buf[:0], f)
	raw := append([]byte(nil), buf...)
	f.keep(buf)
	c.release(f)
	return raw
}

// Map is v's fields by their wire names.
func (c *Codec[T]) Map(v T) map[string]string {
	m := make(map[string]string, len(c.fields))
	if len(c.fields) == 0 {
		return m
	}
	f := c.take()
	f.v = v
	for i, at := range f.at {
		m[c.fields[i].Name] = *at
	}
	c.release(f)
	return m
}

// Fill makes a T each of whose fields is what value gives for its wire name.
func (c *Codec[T]) Fill(value func(name string) string) T {
	var v T
	if len(c.fields) == 0 {
		return v
	}
	values := make([]string, len(c.fields))
	for i := range c.fields {
		values[i] = value(c.fields[i].Name) // may panic, so before a frame is taken
	}
	f := c.take()
	for i, at := range f.at {
		*at = values[i]
	}
	v = f.v
	c.release(f)
	return v
}
