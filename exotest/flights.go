package exotest

import (
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// flights are states that the driver has claimed, and whose nodes take time.
type flights struct{ waiting []flight }

type flight struct {
	at        time.Time
	namespace string
	state     transport.Claimed
}

// start keeps a state until its time has come. Of those of one time, the first
// to start is the first to land.
func (f *flights) start(at time.Time, namespace string, s transport.Claimed) {
	i := len(f.waiting)
	for i > 0 && f.waiting[i-1].at.After(at) {
		i--
	}
	f.waiting = slices.Insert(f.waiting, i, flight{at, namespace, s})
}

func (f *flights) next() (time.Time, bool) {
	if len(f.waiting) == 0 {
		return time.Time{}, false
	}
	return f.waiting[0].at, true
}

// land gives the first state whose time has come.
func (f *flights) land(now time.Time) (flight, bool) {
	if len(f.waiting) == 0 || f.waiting[0].at.After(now) {
		return flight{}, false
	}
	first := f.waiting[0]
	f.waiting = f.waiting[1:]
	return first, true
}
