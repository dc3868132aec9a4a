package statemanager

import "hash/crc64"

// A digest identifies an outcome. Equal outcomes have equal digests in every
// process, so a report can be compared with an earlier one after a restart. It
// guards against mistakes, not against a worker that forges a collision, which
// would only deceive itself. So a fast checksum is enough.
type digest uint64

var digestTable = crc64.MakeTable(crc64.ECMA)

func (d *digest) write(b []byte) { *d = digest(crc64.Update(uint64(*d), digestTable, b)) }

// text is write for a string, in pieces, to avoid a large copy.
func (d *digest) text(s string) {
	var piece [512]byte
	for len(s) > 0 {
		n := copy(piece[:], s)
		d.write(piece[:n])
		s = s[n:]
	}
}
