// Package cron computes when cron triggers of a graph are due (protocol.md
// §12).
package cron

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/netresearch/go-cron"
)

// Parse parses a cron expression of five fields in the IANA time zone given; an
// empty timezone means UTC.
//
// The fields are minute, hour, day of month, month and day of week (0 to 7,
// where both ends are Sunday). A field is a comma-separated list of "*",
// values, ranges ("1-5", "fri-mon"), and steps through all values or a range
// ("*/15", "10-50/20"). Months and days of the week may be written as three
// letters in either case. If both day of month and day of week are restricted,
// a day that matches either is enough; "*/2" counts as a restriction. @yearly,
// @annually, @monthly, @weekly, @daily, @midnight and @hourly stand for the
// usual expressions.
//
// Parse accepts the part of the reference server's syntax that other cron
// implementations read the same way. So there are no seconds, no years, no "?",
// "L", "W", "#" or "H", no steps from a single value ("5/15": write "5-59/15"),
// no range from a value to itself (which means all values on the reference
// server), and no @every or @reboot.
//
// An expression that no date satisfies, such as the 30th of February, is an
// error.
func Parse(expression, timezone string) (*Schedule, error) {
	zone, err := loadZone(timezone)
	if err != nil {
		return nil, err
	}
	wall, err := parseFields(expression)
	if err != nil {
		return nil, fmt.Errorf("cron expression %q: %w", expression, err)
	}
	return &Schedule{wall: wall, zone: zone, everyHour: wall.Hour&allHours == allHours}, nil
}

const allHours = 1<<24 - 1

func loadZone(name string) (*time.Location, error) {
	if name == "Local" { // means a different zone on every machine
		return nil, errors.New(`time zone "Local": name a zone, such as Europe/Berlin`)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w (want an IANA name such as Europe/Berlin; "+
			"a program that runs where no zones are installed imports time/tzdata)", name, err)
	}
	return zone, nil
}

var macros = map[string]string{
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly":  "0 0 1 * *",
	"@weekly":   "0 0 * * 0",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly":   "0 * * * *",
}

var fieldNames = [...]string{"minute", "hour", "day of month", "month", "day of week"}

// parser parses what checkField accepts. The 29th of February can be eight
// years away (2096 to 2104).
var parser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom).
	WithMaxSearchYears(8)

func parseFields(expression string) (*cron.SpecSchedule, error) {
	expression = strings.ToLower(strings.TrimSpace(expression))
	if strings.HasPrefix(expression, "@") {
		standard, ok := macros[expression]
		if !ok {
			return nil, errors.New("unknown macro (want @yearly, @annually, @monthly, @weekly, @daily, @midnight or @hourly)")
		}
		expression = standard
	}
	fields := strings.Fields(expression)
	if len(fields) != len(fieldNames) {
		return nil, fmt.Errorf("has %d fields, want 5: minute, hour, day of month, month and day of week", len(fields))
	}
	for i, field := range fields {
		if err := checkField(field); err != nil {
			return nil, fmt.Errorf("%s: %w", fieldNames[i], err)
		}
	}
	schedule, err := parser.Parse(expression)
	if err != nil {
		return nil, err
	}
	wall, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("unexpected schedule type %T", schedule)
	}
	wall.Location = time.UTC
	if wall.Next(time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("no date satisfies it")
	}
	return wall, nil
}

var item = regexp.MustCompile(`^(?:\*|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([0-9]{1,2}))?$`)

// checkField rejects what the parser would accept but read in another way than
// the reference server.
func checkField(field string) error {
	for part := range strings.SplitSeq(field, ",") {
		m := item.FindStringSubmatch(part)
		if m == nil {
			return fmt.Errorf("%q is not *, a value, a range or a step", part)
		}
		from, to, step := m[1], m[2], m[3]
		if step != "" && from != "" && to == "" {
			return fmt.Errorf("%q: a step needs * or a range", part)
		}
		if from != "" && from == to {
			return fmt.Errorf("%q: write %q, or * for all", part, from)
		}
		if step != "" && from != "" && !ascends(from, to) {
			return fmt.Errorf("%q: a range with a step needs two numbers in ascending order", part)
		}
	}
	return nil
}

func ascends(from, to string) bool {
	a, errA := strconv.Atoi(from)
	b, errB := strconv.Atoi(to)
	return errA == nil && errB == nil && a < b
}
