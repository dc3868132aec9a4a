package graph

// A bitset is a set of indexes of steps.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bitset) add(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) copy(o bitset)  { copy(b, o) }

func (b bitset) addAll(o bitset) {
	for i := range b {
		b[i] |= o[i]
	}
}

// keepOf removes every index that is neither in o nor equal to i.
func (b bitset) keepOf(o bitset, i int) {
	had := b.has(i)
	for j := range b {
		b[j] &= o[j]
	}
	if had {
		b.add(i)
	}
}
