package httpapi

import (
	"encoding/hex"
	"math/rand/v2"
)

// requestID is the client's own id of its request if that is a UUID, else a new
// one. It only tells requests apart, so it need not be hard to guess.
func requestID(given string) string {
	if isUUID(given) {
		return given
	}
	var id [16]byte
	for i := range 2 {
		for n, j := rand.Uint64(), 0; j < 8; j++ {
			id[8*i+j] = byte(n >> (8 * j))
		}
	}
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562
	var s [36]byte
	hex.Encode(s[:8], id[:4])
	hex.Encode(s[9:13], id[4:6])
	hex.Encode(s[14:18], id[6:8])
	hex.Encode(s[19:23], id[8:10])
	hex.Encode(s[24:], id[10:])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch b := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if b != '-' {
				return false
			}
		case b >= '0' && b <= '9', b >= 'a' && b <= 'f', b >= 'A' && b <= 'F':
		default:
			return false
		}
	}
	return true
}
