// Package ids makes the random IDs of runs and requests.
package ids

import (
	"encoding/binary"

	"github.com/google/uuid"
)

// UUID returns a version 4 UUID made from 122 of the given random bits.
func UUID(first, second uint64) string {
	var id uuid.UUID
	binary.LittleEndian.PutUint64(id[:8], first)
	binary.LittleEndian.PutUint64(id[8:], second)
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562
	return id.String()
}

// IsUUID reports whether s is a UUID in the usual form of 36 characters.
func IsUUID(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil }
