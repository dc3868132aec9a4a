package transport

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// millis returns d in milliseconds, rounded up, because the protocol has no
// finer unit.
func millis(d time.Duration) int64 {
	ms := int64(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		ms++
	}
	return ms
}

// fromMillis returns a duration of ms milliseconds, saturating at the longest
// and shortest durations.
func fromMillis(ms int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Millisecond)
	switch {
	case ms > most:
		return math.MaxInt64
	case ms < -most:
		return math.MinInt64
	}
	return time.Duration(ms) * time.Millisecond
}

// wireTime reads a time with or without a zone, where none means UTC
// (protocol.md §2). An invalid time becomes the zero time, so as not to lose
// the rest of the response.
type wireTime struct{ time.Time }

func (t *wireTime) UnmarshalJSON(raw []byte) error {
	if len(raw) > 1 && raw[0] == '"' {
		t.Time = parseTime(string(raw[1 : len(raw)-1]))
	}
	return nil
}

func parseTime(s string) time.Time {
	if len(s) < len("2006-01-02T15:04:05") {
		return time.Time{}
	}
	layout := "2006-01-02T15:04:05" // also matches fractions
	if rest := s[len(layout):]; strings.ContainsAny(rest, "Z+-") {
		layout = time.RFC3339
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// orEmpty returns m, or an empty map, since the reference server rejects null.
func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// objectOrEmpty returns raw, or an empty object.
func objectOrEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}

// orNil returns raw, or nil if it is null.
func orNil(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}
