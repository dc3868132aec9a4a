package cron_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/exospherehost/exo-go/internal/cron"
)

var expressions = []expression{
	{"* * * * *", false, func(reading) bool { return true }},
	{"0 * * * *", false, func(w reading) bool { return w.minute == 0 }},
	{"*/15 * * * *", false, func(w reading) bool { return w.minute%15 == 0 }},
	{"30 * * * sat,7", false, func(w reading) bool { return w.minute == 30 && w.weekday%6 == 0 }},
	{"30 2 * * *", true, func(w reading) bool { return w.minute == 30 && w.hour == 2 }},
	{"30 1 * * *", true, func(w reading) bool { return w.minute == 30 && w.hour == 1 }},
	{"0 0 * * *", true, func(w reading) bool { return w.minute == 0 && w.hour == 0 }},
	{"*/10 0-2 * * *", true, func(w reading) bool { return w.minute%10 == 0 && w.hour <= 2 }},
	{"15 */2 * * *", true, func(w reading) bool { return w.minute == 15 && w.hour%2 == 0 }},
	{"59 23 31 12 *", true, func(w reading) bool {
		return w.minute == 59 && w.hour == 23 && w.day == 31 && w.month == 12
	}},
	{"0 9 * * 1-5", true, func(w reading) bool {
		return w.minute == 0 && w.hour == 9 && w.weekday >= time.Monday && w.weekday <= time.Friday
	}},
	{"0 12 13 * 5", true, func(w reading) bool {
		return w.minute == 0 && w.hour == 12 && (w.day == 13 || w.weekday == time.Friday)
	}},
	{"5 4 */2 feb-apr mon", true, func(w reading) bool {
		return w.minute == 5 && w.hour == 4 && w.month >= 2 && w.month <= 4 && (w.day%2 == 1 || w.weekday == time.Monday)
	}},
}

// TestNextThroughYears walks schedules through years with every kind of change
// of the clock, and compares each step with the oracle.
func TestNextThroughYears(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone string
		year int
	}{
		{"UTC", 2024},
		{"Europe/Berlin", 2024},
		{"America/New_York", 2025},
		{"Australia/Lord_Howe", 2024}, // by half an hour
		{"America/Sao_Paulo", 2017},   // at midnight, so that a day begins at 01:00
		{"Asia/Beirut", 2022},         // back at midnight, so that a day ends twice
		{"Pacific/Apia", 2011},        // left out 30 December
	} {
		t.Run(tt.zone, func(t *testing.T) {
			t.Parallel()
			z := zone(t, tt.zone)
			begin := time.Date(tt.year, time.January, 1, 0, 0, 0, 0, z).Add(-time.Second)
			end := begin.AddDate(1, 0, 2)
			for i, want := range oracle(z, begin, end, expressions) {
				e := expressions[i]
				s, err := cron.Parse(e.text, tt.zone)
				if err != nil {
					t.Fatal(err)
				}
				if len(want) == 0 {
					t.Fatalf("%s: is never due, so nothing is compared", e.text)
				}
				at := begin
				for _, w := range want {
					if got := s.Next(at); !got.Equal(w) {
						t.Fatalf("%s: Next(%s) = %s, want %s", e.text, at.In(z), got.In(z), w.In(z))
					}
					at = w
				}
				if got := s.Next(at); !got.After(end) {
					t.Errorf("%s: Next(%s) = %s, want none before %s", e.text, at.In(z), got.In(z), end.In(z))
				}
			}
		})
	}
}

// TestNextAtChanges spells the rules out at changes that users know.
func TestNextAtChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, expression, zone string
		after                  string
		want                   []string
	}{
		{
			"a skipped time is made up for when the clock jumps", "30 2 * * *", "Europe/Berlin",
			"2024-03-30T02:30:00+01:00",
			[]string{"2024-03-31T03:00:00+02:00", "2024-04-01T02:30:00+02:00"},
		},
		{
			"several skipped times are made up for once", "*/15 2,3 * * *", "Europe/Berlin",
			"2024-03-31T00:00:00+01:00",
			[]string{"2024-03-31T03:00:00+02:00", "2024-03-31T03:15:00+02:00"},
		},
		{
			"a repeated time counts once", "30 2 * * *", "Europe/Berlin",
			"2024-10-27T00:00:00+02:00",
			[]string{"2024-10-27T02:30:00+02:00", "2024-10-28T02:30:00+01:00"},
		},
		{
			"it has counted when asked for in between", "30 2 * * *", "Europe/Berlin",
			"2024-10-27T02:10:00+01:00",
			[]string{"2024-10-28T02:30:00+01:00"},
		},
		{
			"every hour stays every hour in spring", "30 * * * *", "America/New_York",
			"2025-03-09T01:00:00-05:00",
			[]string{"2025-03-09T01:30:00-05:00", "2025-03-09T03:30:00-04:00"},
		},
		{
			"every hour stays every hour in autumn", "30 * * * *", "America/New_York",
			"2025-11-02T01:00:00-04:00",
			[]string{"2025-11-02T01:30:00-04:00", "2025-11-02T01:30:00-05:00", "2025-11-02T02:30:00-05:00"},
		},
		{
			"half an hour skipped", "15 2 * * *", "Australia/Lord_Howe",
			"2024-10-06T00:00:00+10:30",
			[]string{"2024-10-06T02:30:00+11:00", "2024-10-07T02:15:00+11:00"},
		},
		{
			"half an hour repeated", "45 1 * * *", "Australia/Lord_Howe",
			"2024-04-07T00:00:00+11:00",
			[]string{"2024-04-07T01:45:00+11:00", "2024-04-08T01:45:00+10:30"},
		},
		{
			"midnight skipped", "0 0 * * *", "America/Sao_Paulo",
			"2017-10-14T12:00:00-03:00",
			[]string{"2017-10-15T01:00:00-02:00", "2017-10-16T00:00:00-02:00"},
		},
		{
			"a day skipped", "0 9 * * *", "Pacific/Apia",
			"2011-12-29T09:00:00-10:00",
			[]string{"2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"},
		},
		{
			"29 February may be eight years away", "0 0 29 2 *", "Europe/Berlin",
			"2096-02-29T00:00:00+01:00",
			[]string{"2104-02-29T00:00:00+01:00"},
		},
		{
			"seconds are rounded up", "* * * * *", "",
			"2024-05-05T10:00:00.000000001Z",
			[]string{"2024-05-05T10:01:00Z", "2024-05-05T10:02:00Z"},
		},
		{
			"a full minute is not its own next", "*/5 * * * *", "",
			"2024-05-05T10:05:00Z",
			[]string{"2024-05-05T10:10:00Z"},
		},
		{
			"almost a full minute", "*/5 * * * *", "",
			"2024-05-05T10:04:59.999999999Z",
			[]string{"2024-05-05T10:05:00Z"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := cron.Parse(tt.expression, tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			at := parseTime(t, tt.after)
			for _, want := range tt.want {
				got := s.Next(at)
				if !got.Equal(parseTime(t, want)) {
					t.Fatalf("Next(%s) = %s, want %s", at, got, want)
				}
				if got.Location() != time.UTC {
					t.Errorf("Next(%s) is in %s, want UTC", at, got.Location())
				}
				at = got
			}
		})
	}
}

// TestNextOfAnotherZone gives Next times in other zones than the schedule's.
func TestNextOfAnotherZone(t *testing.T) {
	t.Parallel()
	s, err := cron.Parse("30 2 * * *", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	after := parseTime(t, "2024-06-01T00:00:00Z")
	var got []time.Time
	for _, name := range []string{"UTC", "Pacific/Apia", "America/New_York"} {
		got = append(got, s.Next(after.In(zone(t, name))))
	}
	if got = slices.Compact(got); len(got) != 1 {
		t.Errorf("Next depends on the zone of its argument: %v", got)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, e := range []string{"*/5 * * * *", "30 2 * * *", "0 0 29 2 *"} {
		b.Run(e, func(b *testing.B) {
			s, err := cron.Parse(e, "Europe/Berlin")
			if err != nil {
				b.Fatal(err)
			}
			after := time.Date(2024, time.March, 1, 0, 0, 0, 0, time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				s.Next(after)
			}
		})
	}
}

func parseTime(tb testing.TB, s string) time.Time {
	tb.Helper()
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}
