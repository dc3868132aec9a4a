package ids

import (
	"math"
	"testing"

	"github.com/google/uuid"
)

func TestUUID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		first, second uint64
		want          string
	}{
		{0, 0, "00000000-0000-4000-8000-000000000000"},
		{math.MaxUint64, math.MaxUint64, "ffffffff-ffff-4fff-bfff-ffffffffffff"},
		{0x0706050403020100, 0x0f0e0d0c0b0a0908, "00010203-0405-4607-8809-0a0b0c0d0e0f"},
	} {
		got := UUID(tt.first, tt.second)
		if got != tt.want || !IsUUID(got) {
			t.Errorf("got %s, want %s", got, tt.want)
		}
		if id, err := uuid.Parse(got); err != nil || id.Version() != 4 || id.Variant() != uuid.RFC4122 {
			t.Errorf("%s: version %d, variant %v, %v", got, id.Version(), id.Variant(), err)
		}
	}
}

var sink string

func TestUUIDAllocatesItsTextAlone(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { sink = UUID(1, 2) }); n != 1 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkUUID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sink = UUID(1, 2)
	}
}

func TestIsUUID(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"00010203-0405-4607-8809-0a0b0c0d0e0f": true, "00010203-0405-1607-0809-0A0B0C0D0E0F": true,
		"": false, "00010203040546078809 0a0b0c0d0e0f": false, "0001020304054607880900a0b0c0d0e0f": false,
		"{0010203-0405-4607-8809-0a0b0c0d0e0f": false, "00010203-0405-4607-8809-0a0b0c0d0e0g": false,
		"00010203-0405-4607-8809-0a0b0c0d0e0f\n": false, "urn:uuid:00010203-0405-4607-8809-0a0b0c0d0e0f": false,
	} {
		if got := IsUUID(s); got != want {
			t.Errorf("%q: %t", s, got)
		}
	}
}
