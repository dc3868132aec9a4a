package wire

import "github.com/exospherehost/exo-go/internal/jsontext"

// AppendString is [jsontext.AppendString].
func AppendString(dst []byte, s string) []byte { return jsontext.AppendString(dst, s) }

// A span is a part of the source.
type span struct {
	start, end int
	plain      bool // a string that needs no decoding
}

// A member is one name and its value. The spans of strings leave out the quotes.
type member struct {
	key, val span
	kind     jsontext.Kind
}

const (
	String = jsontext.String
	Null   = jsontext.Null
	Other  = jsontext.Other
)

// A scanner walks the members of one JSON object.
type scanner[S jsontext.Text] struct {
	src     S
	s       jsontext.Scanner[S]
	started bool
}

// next is the next member. It reports false at the end of the object, once it
// has seen that nothing follows.
func (s *scanner[S]) next() (member, bool, error) {
	if !s.started {
		s.s, s.started = jsontext.Scan(s.src), true
		if err := s.s.Begin(); err != nil {
			return member{}, false, err
		}
	}
	m, ok, err := s.s.Member()
	return member{span{m.Key.Start, m.Key.End, m.Key.Plain}, span{m.Val.Start, m.Val.End, m.Val.Plain}, m.Kind}, ok, err
}

func unescape(dst, s []byte) []byte { return jsontext.Unescape(dst, s) }
