package jsontext

// MaxDepth is the default limit on how deep values may nest, counting the
// outermost one. encoding/json has the same limit.
const MaxDepth = 10000

// Text is a type of text that can be scanned.
type Text interface{ string | []byte }

// A Scanner reads a JSON text from front to back and validates what it reads.
// It must not be used after one of its methods has returned an error.
//
// Each method reads the next value, or the elements of an array or the members
// of an object one by one. The text has been read in full once [Scanner.End]
// succeeds.
type Scanner[T Text] struct {
	src   T
	pos   int
	room  int  // how many more levels may nest
	fresh bool // directly after an opening bracket
}

// A Span is a part of the text. The span of a string excludes its quotes.
type Span struct {
	Start, End int
	Plain      bool // for a string: it contains no escapes and is valid UTF-8
}

// Kind is the kind of a value, as far as most readers care.
type Kind uint8

const (
	String Kind = iota // a JSON string
	Null               // null
	Other              // a number, a boolean, an object or an array
)

// A Member is a member of an object. Val is the raw value, without quotes if it
// is a string.
type Member struct {
	Key, Val Span
	Kind     Kind
}

// Scan returns a scanner at the beginning of src.
func Scan[T Text](src T) Scanner[T] { return Scanner[T]{src: src, room: MaxDepth} }

// ScanTo is like [Scan] with the depth limit given.
func ScanTo[T Text](src T, depth int) Scanner[T] { return Scanner[T]{src: src, room: depth} }

// Pos returns how many bytes of the text have been read.
func (s *Scanner[T]) Pos() int { return s.pos }

// Part returns the raw text of sp.
func (s *Scanner[T]) Part(sp Span) T { return s.src[sp.Start:sp.End] }

func (s *Scanner[T]) fail(at int, p Problem) error { return &SyntaxError{at, p} }

// Peek skips white space and returns the next byte, or 0 at the end.
func (s *Scanner[T]) Peek() byte {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; c {
		case ' ', '\n', '\t', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// Array reads an array; Peek must have returned its bracket. It calls element
// for each element, which element must read. An error of element is returned as
// is.
func (s *Scanner[T]) Array(element func() error) error {
	if err := s.enter(); err != nil {
		return err
	}
	for {
		if more, err := s.more(']'); err != nil || !more {
			return err
		}
		if err := element(); err != nil {
			return err
		}
	}
}

// Object reads an object; Peek must have returned its brace. It calls member
// for each name, and member must read the value. An error of member is returned
// as is.
func (s *Scanner[T]) Object(member func(name Span) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	for {
		if more, err := s.more('}'); err != nil || !more {
			return err
		}
		name, err := s.name()
		if err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
}

// Document is like [Scanner.Object] for a text that must be a single object.
func (s *Scanner[T]) Document(member func(name Span) error) error {
	if err := s.wantObject(); err != nil {
		return err
	}
	if err := s.Object(member); err != nil {
		return err
	}
	return s.End()
}

func (s *Scanner[T]) wantObject() error {
	if c := s.Peek(); c != '{' {
		return &KindError{Describe(c)}
	}
	return nil
}

// enter steps into the next array or object.
func (s *Scanner[T]) enter() error {
	if s.room == 0 {
		return s.fail(s.pos, TooDeep)
	}
	s.room--
	s.pos++
	s.fresh = true
	return nil
}

// more advances to the next element or name of the innermost array or object.
// At the closing bracket end it leaves the array or object and reports false.
func (s *Scanner[T]) more(end byte) (bool, error) {
	switch c := s.Peek(); {
	case c == end:
		s.pos++
		s.room++
		s.fresh = false
		return false, nil
	case s.fresh:
		s.fresh = false
	case c == ',':
		s.pos++
	case end == ']':
		return false, s.fail(s.pos, WantElement)
	default:
		return false, s.fail(s.pos, WantMember)
	}
	return true, nil
}

// name reads a name and its colon.
func (s *Scanner[T]) name() (Span, error) {
	if s.Peek() != '"' {
		return Span{}, s.fail(s.pos, WantName)
	}
	name, err := s.String()
	if err != nil {
		return name, err
	}
	if s.Peek() != ':' {
		return name, s.fail(s.pos, WantColon)
	}
	s.pos++
	return name, nil
}

// Value reads the next value.
func (s *Scanner[T]) Value() (Span, Kind, error) {
	switch s.Peek() {
	case '"':
		sp, err := s.String()
		return sp, String, err
	case 'n':
		start := s.pos
		err := s.literal("null")
		return Span{Start: start, End: s.pos}, Null, err
	}
	start := s.pos
	err := s.Skip()
	return Span{Start: start, End: s.pos}, Other, err
}

// Raw reads the next value and returns its text.
func (s *Scanner[T]) Raw() (T, error) {
	s.Peek()
	start := s.pos
	err := s.Skip()
	return s.src[start:s.pos], err
}

// Skip skips the next value.
func (s *Scanner[T]) Skip() error {
	switch c := s.Peek(); c {
	case '"':
		_, err := s.quoted()
		return err
	case '{', '[':
		if err := s.enter(); err != nil {
			return err
		}
		for end := c + 2; ; { // each closing bracket is two code points after its opening one
			more, err := s.more(end)
			if err != nil || !more {
				return err
			}
			if end == '}' {
				if _, err := s.name(); err != nil {
					return err
				}
			}
			if err := s.Skip(); err != nil {
				return err
			}
		}
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

// End checks that only white space is left.
func (s *Scanner[T]) End() error {
	if s.Peek(); s.pos < len(s.src) {
		return s.fail(s.pos, WantEnd)
	}
	return nil
}

// Begin enters the object that the text must consist of. [Scanner.Member] then
// reads its members.
func (s *Scanner[T]) Begin() error {
	if err := s.wantObject(); err != nil {
		return err
	}
	return s.enter()
}

// Member reads the next member of the object that [Scanner.Begin] entered. It
// reports false at the end of the text.
func (s *Scanner[T]) Member() (m Member, ok bool, err error) {
	if ok, err = s.more('}'); err != nil || !ok {
		if err == nil {
			err = s.End()
		}
		return m, false, err
	}
	if m.Key, err = s.name(); err != nil {
		return m, false, err
	}
	m.Val, m.Kind, err = s.Value()
	return m, err == nil, err
}

func (s *Scanner[T]) literal(word string) error {
	if end := s.pos + len(word); end <= len(s.src) && string(s.src[s.pos:end]) == word {
		s.pos = end
		return nil
	}
	return s.fail(s.pos, WantValue)
}

// number skips the longest number at the current position. The caller checks
// what follows it.
func (s *Scanner[T]) number() error {
	start := s.pos
	s.accept('-')
	if !s.accept('0') && !s.digits() {
		return s.fail(start, WantValue)
	}
	whole := s.pos
	if s.accept('.') && !s.digits() {
		s.pos = whole
		return nil
	}
	mantissa := s.pos
	if s.accept('e') || s.accept('E') {
		if !s.accept('+') {
			s.accept('-')
		}
		if !s.digits() {
			s.pos = mantissa
		}
	}
	return nil
}

func (s *Scanner[T]) accept(c byte) bool {
	if s.pos < len(s.src) && s.src[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// digits skips digits and reports whether there were any.
func (s *Scanner[T]) digits() bool {
	start := s.pos
	for s.pos < len(s.src) && isDigit(s.src[s.pos]) {
		s.pos++
	}
	return s.pos > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Members calls fn for every member of the JSON object src, in order. val is
// the decoded string for a [String], "" for [Null], and the validated raw JSON
// text for [Other]. A repeated name is reported each time; by convention the
// last one wins.
//
// If src is not a JSON object, which includes null, Members returns a
// [*KindError] or a [*SyntaxError]; fn may have been called for the members
// before the mistake. An error of fn ends the scan and is returned as is.
func Members(src string, fn func(key string, kind Kind, val string) error) error {
	s := Scan(src)
	return s.Document(func(name Span) error {
		sp, kind, err := s.Value()
		if err != nil {
			return err
		}
		var val string
		switch kind {
		case String:
			val = s.Text(sp)
		case Other:
			val = s.Part(sp)
		case Null:
		}
		return fn(s.Text(name), kind, val)
	})
}

// IsObject returns a [*KindError] if src does not begin like an object. It
// reads no further.
func IsObject[T Text](src T) error {
	s := Scan(src)
	return s.wantObject()
}

// CheckObject returns an error if src is not exactly one JSON object.
func CheckObject[T Text](src T) error {
	s := Scan(src)
	if err := s.wantObject(); err != nil {
		return err
	}
	if err := s.Skip(); err != nil {
		return err
	}
	return s.End()
}
