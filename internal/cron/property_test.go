package cron_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/exospherehost/exo-go/internal/cron"
)

// drawField draws the text of a field with values from lowest to highest, and
// what it matches.
func drawField(t *rapid.T, label string, lowest, highest int) (text string, set map[int]bool) {
	set = map[int]bool{}
	if rapid.Bool().Draw(t, label+" all") {
		for v := lowest; v <= highest; v++ {
			set[v] = true
		}
		return "*", set
	}
	parts := make([]string, rapid.IntRange(1, 3).Draw(t, label+" parts"))
	for i := range parts {
		from := rapid.IntRange(lowest, highest).Draw(t, label+" from")
		to := rapid.IntRange(from, highest).Draw(t, label+" to")
		step := 1
		parts[i] = strconv.Itoa(from)
		if to > from {
			parts[i] = fmt.Sprintf("%d-%d", from, to)
			if step = rapid.IntRange(1, to-from).Draw(t, label+" step"); step > 1 {
				parts[i] += "/" + strconv.Itoa(step)
			}
		}
		for v := from; v <= to; v += step {
			set[v] = true
		}
	}
	return strings.Join(parts, ","), set
}

func drawExpression(t *rapid.T) expression {
	minute, minutes := drawField(t, "minute", 0, 59)
	hour, hours := drawField(t, "hour", 0, 23)
	day, days := drawField(t, "day", 1, 31)
	month, months := drawField(t, "month", 1, 12)
	weekday, weekdays := drawField(t, "weekday", 0, 7)
	weekdays[0] = weekdays[0] || weekdays[7]
	union := day != "*" && weekday != "*"
	return expression{
		text:       strings.Join([]string{minute, hour, day, month, weekday}, " "),
		namesHours: len(hours) < 24,
		matches: func(w reading) bool {
			inDays, inWeek := days[w.day], weekdays[int(w.weekday)]
			return minutes[w.minute] && hours[w.hour] && months[w.month] &&
				(union && (inDays || inWeek) || inDays && inWeek)
		},
	}
}

// TestNextIsWhatTheClockShows compares random schedules with the oracle, from
// random times near changes of the clock.
func TestNextIsWhatTheClockShows(t *testing.T) {
	t.Parallel()
	zones := []string{
		"UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Sao_Paulo", "America/Havana",
		"Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kwajalein", "Asia/Tehran", "Africa/Casablanca", "Asia/Kathmandu", "Antarctica/Troll",
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		e := drawExpression(t)
		s, err := cron.Parse(e.text, name)
		if err != nil {
			if strings.Contains(err.Error(), "no date satisfies it") {
				t.Skip(e.text)
			}
			t.Fatal(err)
		}

		year := rapid.IntRange(1990, 2040).Draw(t, "year")
		begin := time.Date(year, time.January, 1, 0, 0, 0, 0, z)
		if _, change := begin.ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
			begin = change
		}
		begin = begin.Add(time.Duration(rapid.Int64Range(-int64(26*time.Hour), int64(3*time.Hour)).Draw(t, "offset")))
		end := begin.Add(50 * time.Hour)

		at := begin
		for _, want := range oracle(z, begin, end, []expression{e})[0] {
			if got := s.Next(at); !got.Equal(want) {
				t.Fatalf("%s in %s: Next(%s) = %s, want %s", e.text, name, at.In(z), got.In(z), want.In(z))
			}
			at = want
		}
		if got := s.Next(at); !got.After(end) {
			t.Fatalf("%s in %s: Next(%s) = %s, want none before %s", e.text, name, at.In(z), got.In(z), end.In(z))
		}
	})
}
