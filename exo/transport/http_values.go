package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// millis is d in milliseconds, rounded up: the protocol knows nothing finer.
func millis(d time.Duration) int64 {
	ms := int64(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		ms++
	}
	return ms
}

// fromMillis is the duration of so many milliseconds, or the longest or
// shortest if it is beyond them.
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

// wireTime reads a time with or without a zone, which is then UTC
// (protocol.md §2). What is no time is the zero time: no answer is worth losing
// for it.
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
	layout := "2006-01-02T15:04:05" // also with a fraction
	if rest := s[len(layout):]; strings.ContainsAny(rest, "Z+-") {
		layout = time.RFC3339
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// wireParents reads {"identifier":"state id",…} in the order of the wire, which
// is that of ancestry.
type wireParents []Parent

func (p *wireParents) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return err // null, or no object
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var id string
		if d.Decode(&id) != nil {
			continue // not an ID
		}
		*p = append(*p, Parent{Identifier: fmt.Sprint(name), StateID: id})
	}
	return nil
}

// orEmpty is m, or an empty map: the reference server refuses null.
func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// objectOrEmpty is raw, or an empty object where there is none.
func objectOrEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}

// orNil is raw, or nil where it is null.
func orNil(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}
