package wire

import "errors"

// An Input is a field of a struct that was filled in for a step of a graph: with
// a value, or with a reference to what will be one.
type Input struct {
	Name      string
	Text      string // of the value, or the placeholder of the reference
	Missing   bool   // a Val that must be given, and was not; Text is empty
	Collected bool   // a reference made by exo.Collect
	Err       error  // why Text could not be made
}

var errMixed = errors.New("is a reference to a step's output whose V was set as well: assign the one or the other")

// Inputs are v's fields, in their order. A string that is empty, and a Val that
// has not been set, are the default of their field.
func (c *Codec[T]) Inputs(v T) []Input {
	inputs := c.inputs(v)
	for i := range inputs {
		if field := &c.fields[i]; field.Type == "" && inputs[i].Text == "" {
			inputs[i].Text = field.Default
		}
	}
	return inputs
}

// inputs is Inputs, in which an empty string is one.
func (c *Codec[T]) inputs(v T) []Input {
	inputs := make([]Input, len(c.fields))
	if len(c.fields) == 0 {
		return inputs
	}
	loose := make([]text, len(c.fields))
	for i, p := range c.copies(v, true) {
		if p != nil {
			said, err := c.values[i].form.tryWrite(p)
			loose[i] = text{string(said), err}
		}
	}
	f := c.take()
	defer c.release(f)
	f.v = v
	for i := range f.at {
		inputs[i] = c.input(f, i, loose[i])
	}
	return inputs
}

// A text is that of a value, unless there is none.
type text struct {
	s   string
	err error
}

// input is field i, whose value has the text loose if it is a loose one.
func (c *Codec[T]) input(f *frame[T], i int, loose text) Input {
	at, field := &f.at[i], &c.fields[i]
	in := Input{Name: field.Name}
	if at.ref == nil {
		in.Text = *at.s
		return in
	}
	text, err := loose.s, loose.err
	if at.place == nil {
		text, err = at.text()
	}
	form := c.values[i].form
	set := err != nil && form.zero != "" || err == nil && text != form.zero
	switch template, is := at.ref.template(); {
	case is && set:
		in.Err = errMixed
	case is:
		in.Text, in.Collected = template, at.ref.origin.collected
	case !set && at.ref.origin == nil && !field.Required:
		in.Text = field.Default
	case !set && at.ref.origin == nil && !form.empty:
		in.Missing = true
	case err != nil:
		in.Err = c.noText(i, err)
	default:
		in.Text = text
	}
	return in
}

// text is the text of a Val that is not loose.
func (s *slot) text() (string, error) {
	if s.s != nil {
		return *s.s, nil
	}
	text, err := s.cell.append(nil)
	return string(text), err
}

// Map is v's fields by their wire names, as a trigger gives them: as
// [Codec.Inputs], but that an empty string is one, and that a Val which has not been
// set is zero if it has no default. All errors are of values that have no text.
func (c *Codec[T]) Map(v T) (map[string]string, error) {
	m := make(map[string]string, len(c.fields))
	if len(c.fields) == 0 {
		return m, nil
	}
	var errs []error
	for i, in := range c.inputs(v) {
		switch {
		case in.Err != nil:
			errs = append(errs, in.Err)
		case in.Missing:
			in.Text = c.values[i].form.zero
		}
		m[in.Name] = in.Text
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return m, nil
}

// Fill makes a T each of whose fields refers to what template gives for its wire
// name: a string is the placeholder itself, a Val knows it.
func (c *Codec[T]) Fill(template func(name string) string) T {
	var v T
	if len(c.fields) == 0 {
		return v
	}
	texts := make([]string, len(c.fields))
	for i := range c.fields {
		texts[i] = template(c.fields[i].Name) // may block, so before a frame is taken
	}
	f := c.take()
	for i, text := range texts {
		if at := &f.at[i]; at.ref != nil {
			*at.ref = refer(text, false)
		} else {
			*at.s = text
		}
	}
	v = f.v
	c.release(f)
	return v
}
