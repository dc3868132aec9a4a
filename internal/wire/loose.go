package wire

import (
	"encoding"
	"encoding/json"
	"sync"
)

// The texts of loose values are read and written by encoding/json and by methods
// of the values' types. These may take long, wait for others, or use a codec, even
// the one that calls them. So no frame is held meanwhile: the values are copied
// into a frame, and out of it.

// read sets the value that p points to, which is loose and zero, to that of a
// text. The value is undefined after an error.
//
// A list is also read from the texts that its elements would have by themselves,
// which is what a state manager makes of the outputs of branches that are not
// JSON (protocol.md §13, collect).
func (f *form) read(p any, text []byte) error {
	if f.kind == formText {
		return p.(encoding.TextUnmarshaler).UnmarshalText(text)
	}
	err := json.Unmarshal(text, p)
	if err == nil || f.elem == nil || f.elem.kind == formString {
		return err
	}
	list, wrong := f.elem.listOf(text)
	if wrong != nil {
		return wrong
	}
	if list == nil {
		return err
	}
	if err := json.Unmarshal([]byte("null"), p); err != nil { // what the first attempt left
		return err
	}
	return json.Unmarshal(list, p)
}

// write gives the text of the loose value that p points to.
func (f *form) write(p any) ([]byte, error) {
	if f.kind != formText {
		return toJSON(p)
	}
	if a, ok := p.(encoding.TextAppender); ok {
		return a.AppendText(nil)
	}
	return p.(encoding.TextMarshaler).MarshalText()
}

// tryWrite is write, which also fails where a method panics.
func (f *form) tryWrite(p any) (text []byte, err error) {
	defer recovered(&err)
	return f.write(p)
}

// A jsonWriter is an encoder, and what it has written.
type jsonWriter struct {
	encoder *json.Encoder
	dst     []byte
}

var jsonWriters = sync.Pool{New: func() any {
	w := new(jsonWriter)
	w.encoder = json.NewEncoder(w)
	w.encoder.SetEscapeHTML(false) // the text may be read by people
	return w
}}

// Write is what the encoder calls.
func (w *jsonWriter) Write(text []byte) (int, error) {
	w.dst = append(w.dst, text...)
	return len(text), nil
}

func toJSON(v any) ([]byte, error) {
	w := jsonWriters.Get().(*jsonWriter)
	err := w.encoder.Encode(v)
	text := w.dst
	w.dst = nil
	jsonWriters.Put(w)
	if err != nil {
		return nil, err
	}
	return text[:len(text)-1], nil // without the encoder's newline
}

// A pending is a loose value that is to be read.
type pending struct {
	field int
	p     any // points to it
	text  []byte
}

// A decoding is what is known of the fields by the time a frame goes back.
type decoding struct {
	wrong ValueErrors
	later []pending
}

// unfit notes why a text is not that of a value.
func (d *decoding) unfit(i int, field *Field, text string, why error) {
	d.wrong = append(d.wrong, ValueError{Field: field.Name, Type: field.Type, Text: text, Reason: why, field: i})
}

// readLoose reads the loose values of v.
func (c *Codec[T]) readLoose(v T, d *decoding) T {
	for _, l := range d.later {
		if err := c.values[l.field].form.read(l.p, l.text); err != nil {
			d.unfit(l.field, &c.fields[l.field], string(l.text), err)
		}
	}
	if d.wrong != nil {
		return v
	}
	f := c.take()
	defer c.release(f)
	f.v = v
	for _, l := range d.later {
		f.at[l.field].place.in(l.p)
		f.at[l.field].ref.origin = given
	}
	return f.v
}

// copies are pointers to copies of v's loose values, by field; those of references
// only if asked for.
func (c *Codec[T]) copies(v T, references bool) []any {
	if !c.loose {
		return nil
	}
	copies := make([]any, len(c.fields))
	f := c.take()
	defer c.release(f)
	f.v = v
	for i := range f.at {
		if at := &f.at[i]; at.place != nil {
			if _, is := at.ref.template(); !is || references {
				copies[i] = at.place.out()
			}
		}
	}
	return copies
}

// writeLoose makes the texts of v's loose values, by field. Of references there
// are none.
func (c *Codec[T]) writeLoose(v T) ([][]byte, error) {
	copies := c.copies(v, false)
	if copies == nil {
		return nil, nil
	}
	texts := make([][]byte, len(copies))
	for i, p := range copies {
		if p == nil {
			continue
		}
		var err error
		if texts[i], err = c.values[i].form.write(p); err != nil {
			return nil, c.noText(i, err)
		}
	}
	return texts, nil
}
