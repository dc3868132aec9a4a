package statemanager

import "hash/crc64"

// A digest tells outcomes apart: equal ones have the same, in every process, so
// that a report can be told from an earlier one after a restart. It guards against
// mistakes, not against a worker that makes up two outcomes with one digest: that
// worker would deceive nobody but itself. So a fast checksum will do.
type digest uint64

var digestTable = crc64.MakeTable(crc64.ECMA)

func (d *digest) write(b []byte) { *d = digest(crc64.Update(uint64(*d), digestTable, b)) }

// text is write for text, piece by piece so that no large copy is made.
func (d *digest) text(s string) {
	var piece [512]byte
	for len(s) > 0 {
		n := copy(piece[:], s)
		d.write(piece[:n])
		s = s[n:]
	}
}
