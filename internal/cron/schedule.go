package cron

import (
	"time"

	"github.com/netresearch/go-cron"
)

// A Schedule says when a cron expression is due in its time zone. It is
// immutable, and safe for concurrent use.
type Schedule struct {
	// wall finds the matching times of a clock that is never changed. Such a
	// clock is a time.Time in UTC here, and is called a wall clock below; what
	// the changes of a real zone do to it is decided in this file.
	wall *cron.SpecSchedule
	zone *time.Location

	everyHour bool // the hour field matches all hours
}

// Next is the first time after the given one at which the schedule is due, to
// the minute and in UTC. It is always later than after. The zero time means
// never; no schedule that Parse gives is so.
//
// When the clock of the zone is changed, a schedule that names its hours is due
// once for each time it names: a time that is skipped is made up for at once,
// when the clock jumps past it, and a time that comes twice counts the first
// time only. A schedule for every hour (hour field "*") has nothing to make up
// for: it is due whenever the clock on the wall matches, so that one for every
// five minutes stays that through the night.
func (s *Schedule) Next(after time.Time) time.Time {
	if s.everyHour {
		return s.nextShown(after)
	}
	return s.nextReached(after)
}

// nextShown is the first instant after the given one at which the zone's clock
// shows a matching time.
func (s *Schedule) nextShown(after time.Time) time.Time {
	// Between two changes the clock runs evenly, so each such span is searched
	// by itself.
	for span := after.In(s.zone); ; {
		w := s.match(wallClock(after, span))
		if w.IsZero() {
			return time.Time{}
		}
		t := instant(w, span)
		_, end := span.ZoneBounds()
		if end.IsZero() || t.Before(end) {
			return t
		}
		span, after = end, end.Add(-1)
	}
}

// nextReached is the first instant after the given one at which the zone's clock
// shows a matching time, or has jumped past one, for the first time.
func (s *Schedule) nextReached(after time.Time) time.Time {
	w := s.match(wallClock(after, after.In(s.zone)))
	for !w.IsZero() {
		if t := reached(w, s.zone); t.After(after) {
			return t
		}
		w = s.match(w) // w was there before the clock was put back
	}
	return time.Time{}
}

// match is the first matching time after w on a wall clock.
func (s *Schedule) match(w time.Time) time.Time {
	// The search goes by seconds until the minute is full: spare it those.
	return s.wall.Next(w.Truncate(time.Minute).Add(59 * time.Second))
}

// reached is the first instant at which the clock of the zone shows w or a later
// time.
func reached(w time.Time, zone *time.Location) time.Time {
	// No zone is a day from UTC, so the clock shows less than w here.
	for span := w.AddDate(0, 0, -1).In(zone); ; {
		t := instant(w, span)
		if t.Before(span) { // the change to this span jumped past w
			t = span.UTC()
		}
		_, end := span.ZoneBounds()
		if end.IsZero() || t.Before(end) {
			return t
		}
		span = end
	}
}

// wallClock is what the clock shows at t, by the offset that holds at span.
func wallClock(t, span time.Time) time.Time {
	_, offset := span.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// instant is when the clock shows w, by the offset that holds at span.
func instant(w, span time.Time) time.Time {
	_, offset := span.Zone()
	return w.Add(-time.Duration(offset) * time.Second)
}
