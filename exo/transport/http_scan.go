package transport

import (
	"strconv"

	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A scanner reads the responses of which there are many, to claims and to
// reports, without allocating but for what is kept.
type scanner struct{ jsontext.Scanner[[]byte] }

func scan(raw []byte) scanner { return scanner{jsontext.Scan(raw)} }

// text reads the value at hand as a string: "" if it is none. It is one of like,
// without allocating, if it says the same.
func (s *scanner) text(like ...string) (string, error) {
	sp, kind, err := s.Value()
	if err != nil || kind != jsontext.String {
		return "", err
	}
	if sp.Plain {
		for _, known := range like {
			if string(s.Part(sp)) == known {
				return known, nil
			}
		}
	}
	return s.Text(sp), nil
}

// integer reads the value at hand as an integer: 0 if it is none.
func (s *scanner) integer() (int64, error) {
	raw, err := s.Raw()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0, nil //nolint:nilerr // a member that does not fit is as one left out
	}
	return n, nil
}
