package cron

import (
	"time"

	"github.com/netresearch/go-cron"
)

// A Schedule says when a cron expression is due in its time zone. It is
// immutable and safe for concurrent use.
type Schedule struct {
	// wall finds the matching times of a clock that is never changed. The code
	// below calls such a clock a wall clock and represents it by a time.Time in
	// UTC. This file handles what changes of the zone's clock do to it.
	wall *cron.SpecSchedule
	zone *time.Location

	everyHour bool // the hour field matches all hours
}

// Next returns the first time after the given one at which the schedule is due,
// to the minute and in UTC. It is always later than after. The zero time means
// never; schedules returned by Parse always have a next time.
//
// When the zone's clock changes, a schedule that names its hours is due once
// for each time that it names. A skipped time is due at the moment when the
// clock jumps past it; of a repeated time only the first counts. A schedule for
// every hour (hour field "*") is due whenever the clock shows a matching time,
// so that "*/5 * * * *" runs every five minutes throughout.
func (s *Schedule) Next(after time.Time) time.Time {
	if s.everyHour {
		return s.nextShown(after)
	}
	return s.nextReached(after)
}

// nextShown returns the first instant after the given one at which the zone's
// clock shows a matching time.
func (s *Schedule) nextShown(after time.Time) time.Time {
	// Between two changes the clock runs evenly, so each such span is searched
	// separately.
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

// nextReached returns the first instant after the given one at which the zone's
// clock shows, or jumps past, a matching time for the first time.
func (s *Schedule) nextReached(after time.Time) time.Time {
	w := s.match(wallClock(after, after.In(s.zone)))
	for !w.IsZero() {
		if t := reached(w, s.zone); t.After(after) {
			return t
		}
		w = s.match(w) // the clock showed w before it was set back
	}
	return time.Time{}
}

// match returns the first matching time after w on a wall clock.
func (s *Schedule) match(w time.Time) time.Time {
	// The search advances by seconds to the next full minute; this skips them.
	return s.wall.Next(w.Truncate(time.Minute).Add(59 * time.Second))
}

// reached returns the first instant at which the zone's clock shows w or later.
func reached(w time.Time, zone *time.Location) time.Time {
	// No zone is a day away from UTC, so the clock shows less than w here.
	for span := w.AddDate(0, 0, -1).In(zone); ; {
		t := instant(w, span)
		if t.Before(span) { // the change at the start of this span jumped past w
			t = span.UTC()
		}
		_, end := span.ZoneBounds()
		if end.IsZero() || t.Before(end) {
			return t
		}
		span = end
	}
}

// wallClock returns what the clock shows at t, with the offset in force at
// span.
func wallClock(t, span time.Time) time.Time {
	_, offset := span.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// instant returns when the clock shows w, with the offset in force at span.
func instant(w, span time.Time) time.Time {
	_, offset := span.Zone()
	return w.Add(-time.Duration(offset) * time.Second)
}
