package transport

import (
	"strconv"

	"github.com/exospherehost/exo-go/internal/jsontext"
)

// A scanner reads the most frequent responses, those to claims and reports. It
// allocates only for what is kept.
type scanner struct{ jsontext.Scanner[[]byte] }

func scan(raw []byte) scanner { return scanner{jsontext.Scan(raw)} }

// text reads the next value as a string, or "" if it is not one. If it equals
// one of like, text returns that without allocating.
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

// integer reads the next value as an integer, or 0 if it is not one.
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
