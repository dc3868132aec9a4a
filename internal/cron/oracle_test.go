package cron_test

import (
	"slices"
	"testing"
	"time"
)

// An expression as the tests understand it: the text, and by other means than
// the parser's, what it matches and whether it names its hours.
type expression struct {
	text       string
	namesHours bool
	matches    func(w reading) bool
}

// reading is what a clock on the wall shows, without its date's year.
type reading struct {
	minute, hour, day, month int
	weekday                  time.Weekday
}

func read(wall time.Time) reading {
	return reading{wall.Minute(), wall.Hour(), wall.Day(), int(wall.Month()), wall.Weekday()}
}

// oracle goes through time minute by minute, looking at the zone's clock, and
// collects when each expression is due after begin and not after end.
func oracle(zone *time.Location, begin, end time.Time, expressions []expression) [][]time.Time {
	due := make([][]time.Time, len(expressions))

	// What a clock shows is kept as that time in UTC. highest is the latest
	// time that this zone's has shown so far: it starts well before begin,
	// since the clock may have been put back just then.
	var highest time.Time
	for t := begin.Add(-48 * time.Hour).Truncate(time.Minute); !t.After(end); t = t.Add(time.Minute) {
		_, offset := t.In(zone).Zone()
		shown := t.UTC().Add(time.Duration(offset) * time.Second)
		now := read(shown)
		var missed []reading
		if !highest.IsZero() {
			for w := highest.Add(time.Minute); w.Before(shown); w = w.Add(time.Minute) {
				missed = append(missed, read(w))
			}
		}
		first := shown.After(highest)
		for i, e := range expressions {
			isDue := e.matches(now)
			if e.namesHours {
				isDue = isDue && first || slices.ContainsFunc(missed, e.matches)
			}
			if isDue && t.After(begin) {
				due[i] = append(due[i], t)
			}
		}
		if first {
			highest = shown
		}
	}
	return due
}

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return z
}
