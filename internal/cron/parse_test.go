package cron_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/internal/cron"
)

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	after := time.Date(2024, time.February, 28, 22, 7, 0, 0, time.UTC) // a Wednesday
	for _, tt := range []struct{ expression, next string }{
		{"* * * * *", "2024-02-28T22:08:00Z"},
		{"  7,9   *\t* *  * ", "2024-02-28T22:09:00Z"},
		{"05 0 * * *", "2024-02-29T00:05:00Z"},
		{"*/20 * * * *", "2024-02-28T22:20:00Z"},
		{"10-50/20 * * * *", "2024-02-28T22:10:00Z"},
		{"0 1-3,23 * * *", "2024-02-28T23:00:00Z"},
		{"0 23-1 * * *", "2024-02-28T23:00:00Z"},
		{"0 0 * mar *", "2024-03-01T00:00:00Z"},
		{"0 0 * NOV-Jan *", "2024-11-01T00:00:00Z"},
		{"0 0 * * 0", "2024-03-03T00:00:00Z"},
		{"0 0 * * 7", "2024-03-03T00:00:00Z"},
		{"0 0 * * sun", "2024-03-03T00:00:00Z"},
		{"0 0 * * fri-mon", "2024-03-01T00:00:00Z"},
		{"0 0 * * 5-7", "2024-03-01T00:00:00Z"},
		{"0 0 31 * *", "2024-03-31T00:00:00Z"},
		{"0 0 29 2 *", "2024-02-29T00:00:00Z"},
		{"0 0 30 2 1", "2025-02-03T00:00:00Z"},    // the 30th never, but Mondays
		{"0 0 1-7 * mon", "2024-03-01T00:00:00Z"}, // one of both is enough
		{"@hourly", "2024-02-28T23:00:00Z"},
		{"@daily", "2024-02-29T00:00:00Z"},
		{"@Midnight", "2024-02-29T00:00:00Z"},
		{"@weekly", "2024-03-03T00:00:00Z"},
		{"@monthly", "2024-03-01T00:00:00Z"},
		{"@yearly", "2025-01-01T00:00:00Z"},
		{"@annually", "2025-01-01T00:00:00Z"},
	} {
		s, err := cron.Parse(tt.expression, "")
		if err != nil {
			t.Error(err)
			continue
		}
		if got := s.Next(after); !got.Equal(parseTime(t, tt.next)) {
			t.Errorf("%q: Next(%s) = %s, want %s", tt.expression, after, got, tt.next)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ expression, zone, want string }{
		{"", "", "has 0 fields, want 5"},
		{"not a cron", "", "has 3 fields, want 5"},
		{"* * * *", "", "has 4 fields, want 5"},
		{"*/5 * * * * *", "", "has 6 fields, want 5"},
		{"* * * * * * *", "", "has 7 fields, want 5"},
		{"TZ=UTC 0 0 * * *", "", "has 6 fields"},
		{"TZ=UTC 0 * * *", "", "minute:"},
		{"CRON_TZ=UTC * * * *", "", "minute:"},
		{"@every 5m", "", "unknown macro"},
		{"@reboot", "", "unknown macro"},
		{"@", "", "unknown macro"},
		{"60 * * * *", "", "60"},
		{"* 24 * * *", "", "24"},
		{"* * 0 * *", "", "0"},
		{"* * 32 * *", "", "32"},
		{"* * * 0 *", "", "0"},
		{"* * * 13 *", "", "13"},
		{"* * * * 8", "", "8"},
		{"500 * * * *", "", `minute: "500"`},
		{"-1 * * * *", "", `minute: "-1"`},
		{"+5 * * * *", "", `minute: "+5"`},
		{"1.5 * * * *", "", `minute: "1.5"`},
		{"* 1- * * *", "", `hour: "1-"`},
		{"* *-5 * * *", "", `hour: "*-5"`},
		{"* 1-5-7 * * *", "", `hour: "1-5-7"`},
		{"*/0 * * * *", "", "step"},
		{"*/70 * * * *", "", "step"},
		{"*/5/2 * * * *", "", `minute: "*/5/2"`},
		{"*/ * * * *", "", `minute: "*/"`},
		{"5/15 * * * *", "", `minute: "5/15": a step needs * or a range`},
		{"5-5 * * * *", "", `minute: "5-5": write "5"`},
		{"50-10/20 * * * *", "", "ascending"},
		{"05-5/3 * * * *", "", "ascending"},
		{"0 0 * * mon-fri/2", "", "ascending"},
		{"1,,2 * * * *", "", `minute: ""`},
		{", * * * *", "", `minute: ""`},
		{"? * * * *", "", `minute: "?"`},
		{"0 0 ? * 1", "", `day of month: "?"`},
		{"0 0 L * *", "", `day of month: "l"`},
		{"0 0 15W * *", "", `day of month: "15w"`},
		{"0 0 * * fri#2", "", `day of week: "fri#2"`},
		{"H * * * *", "", `minute: "h"`},
		{"0 0 * january *", "", `month: "january"`},
		{"0 0 * mon *", "", "mon"},
		{"0 0 * * feb", "", "feb"},
		{"١ * * * *", "", "minute:"},
		{"0 0 30 2 *", "", "no date satisfies it"},
		{"0 0 31 4,6,9,11 *", "", "no date satisfies it"},
		{strings.Repeat("1,", 1000) + "1 * * * *", "", "too long"},
		{"* * * * *", "Europe/Atlantis", `time zone "Europe/Atlantis"`},
		{"* * * * *", "Local", "name a zone"},
		{"* * * * *", "../etc/passwd", "time zone"},
		{"* * * * *", "+02:00", "time zone"},
	} {
		s, err := cron.Parse(tt.expression, tt.zone)
		if err == nil {
			t.Errorf("Parse(%q, %q) = %v, want an error", tt.expression, tt.zone, s)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Parse(%q, %q): %v, want %q in it", tt.expression, tt.zone, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("*/5 0-3,7 1 jan-mar mon", "Europe/Berlin")
	f.Add("@daily", "")
	f.Add("0 0 29 2 *", "Pacific/Apia")
	f.Add("0 0 * * fri-mon", "Local")
	f.Fuzz(func(t *testing.T, expression, zone string) {
		s, err := cron.Parse(expression, zone)
		if err != nil {
			return
		}
		after := time.Date(2024, time.March, 30, 12, 0, 0, 1, time.UTC)
		for range 3 {
			next := s.Next(after)
			if !next.After(after) || next.Second() != 0 || next.Nanosecond() != 0 {
				t.Fatalf("%q in %q: Next(%s) = %s", expression, zone, after, next)
			}
			after = next
		}
	})
}
