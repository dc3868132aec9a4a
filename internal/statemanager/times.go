package statemanager

import (
	"math"
	"time"
)

// Times are kept as Unix nanoseconds, which take 8 bytes and are cheap to
// compare.

// nanos returns t, or the nearest time from 1970 to 2262.
func nanos(t time.Time) int64 {
	switch s := t.Unix(); {
	case s < 0:
		return 0
	case s >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// timeOf is the inverse of nanos.
func timeOf(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// after returns the time d after t, saturating at the latest time.
func after(t int64, d time.Duration) int64 {
	if d > 0 && t > math.MaxInt64-int64(d) {
		return math.MaxInt64
	}
	return t + int64(d)
}

// seconds returns t as in an ObjectId. It wraps in 2106, as all of them do.
func seconds(t int64) uint32 { return uint32(t / int64(time.Second)) }
